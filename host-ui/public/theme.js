// Runs before the first paint: puts theme and language on <html>. Kept out of the bundle, because a
// module would run too late and inline scripts are forbidden by the CSP.
(function () {
  var root = document.documentElement;
  var theme = null;
  var language = null;
  try {
    theme = localStorage.getItem('qx-theme');
    language = localStorage.getItem('qx-language');
  } catch {
    theme = null; // Storage is switched off: the system's choices are used.
  }
  if (theme !== 'dark' && theme !== 'light') {
    theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  }
  root.dataset.theme = theme;
  root.lang = language || (/^de\b/.test(navigator.language) ? 'de' : 'en');
})();
