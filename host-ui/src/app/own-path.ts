/** Whether a text is a path of this site, safe to go to: `//host` and `/\\host` lead elsewhere. */
export const isOwnPath = (text: unknown): text is string => typeof text === 'string' && /^\/(?![/\\])[^\s]*$/.test(text);
