"use strict";
// Takes the secret of a one-time link from behind the "#", where no server, proxy or log sees it, and sends it as a form.
const secret = location.hash.slice(1);
if (secret) {
  history.replaceState(null, "", location.pathname);
  const form = document.getElementById("link");
  form.elements.secret.value = secret;
  form.requestSubmit();
}
