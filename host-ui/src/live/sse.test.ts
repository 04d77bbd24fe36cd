import { expect, test } from 'vitest';
import { SseParser } from './sse';

const stream = 'id: 7\nevent: vm.changed\ndata: {"a":1}\n\n: keep-alive\n\ndata: x\ndata: y\n\n';

test('messages are the same however the bytes are cut', () => {
  const whole = new SseParser().push(stream);
  expect(whole).toEqual([
    { event: 'vm.changed', data: '{"a":1}', id: '7' },
    { event: 'message', data: 'x\ny', id: '7' },
  ]);
  for (let cut = 1; cut < stream.length; cut += 1) {
    const parser = new SseParser();
    expect([...parser.push(stream.slice(0, cut)), ...parser.push(stream.slice(cut))]).toEqual(whole);
  }
});

test('carriage returns end lines too, also when cut in two', () => {
  const parser = new SseParser();
  expect(parser.push('data: a\r')).toEqual([]);
  expect(parser.push('\n\r\n').map((message) => message.data)).toEqual(['a']);
});

test('a comment alone is no message', () => {
  expect(new SseParser().push(':\n\n')).toEqual([]);
});
