// Lets xterm.js style itself under a CSP without `unsafe-inline`. It writes its rules as the text of
// <style> elements, which such a policy ignores; here that text goes into an adopted style sheet, which
// the policy allows because no markup carries it.

/** Runs `build`; every <style> that it creates becomes an adopted sheet, now and when changed later. */
export function withAdoptedStyles(build: () => void): () => void {
  const sheets: CSSStyleSheet[] = [];
  const create = document.createElement.bind(document);
  const replacement = (tag: string, options?: ElementCreationOptions) =>
    tag.toLowerCase() === 'style' ? adopted(create('template'), sheets) : create(tag, options);
  document.createElement = replacement as typeof document.createElement;
  try {
    build();
  } finally {
    // Uncovers the prototype's own method.
    Reflect.deleteProperty(document, 'createElement');
  }
  return () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => !sheets.includes(sheet));
  };
}

function adopted(element: HTMLElement, sheets: CSSStyleSheet[]): HTMLElement {
  const sheet = new CSSStyleSheet();
  sheets.push(sheet);
  document.adoptedStyleSheets.push(sheet);
  let text = '';
  Object.defineProperty(element, 'textContent', {
    get: () => text,
    set: (css: string) => {
      text = css;
      sheet.replaceSync(css);
    },
  });
  return element;
}
