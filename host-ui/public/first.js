// Runs before anything else of the page: puts theme and language on <html>, and loads the page anew when a part of
// it did not arrive. Kept out of the bundle, because a module would run too late and inline scripts are forbidden by
// the CSP.
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

// A browser gives up what it is loading when the network changes, and does not try it again: the page would stay
// empty. Three times; after that, index.html's own words tell what to do.
(function () {
  var key = 'qx-loads';
  var waitsMs = [300, 1000, 3000];
  var missing = false;
  function onError(event) {
    var part = event.target;
    missing ||= part instanceof HTMLScriptElement || (part instanceof HTMLLinkElement && part.rel === 'stylesheet');
  }
  addEventListener('error', onError, true);
  addEventListener('load', function () {
    removeEventListener('error', onError, true);
    try {
      var loads = Number(sessionStorage.getItem(key));
      if (missing && loads < waitsMs.length) {
        sessionStorage.setItem(key, String(loads + 1));
        setTimeout(function () {
          location.reload();
        }, waitsMs[loads]);
      } else {
        sessionStorage.removeItem(key);
      }
    } catch {
      // Storage is switched off, so tries can't be counted: whoever reads the page's words tries again.
    }
  });
})();
