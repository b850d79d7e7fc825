"use strict";
// A live page that the server no longer knows, because it was lost for long or its session has ended, is opened again.
document.addEventListener("htmx:sseOpen", (event) => {
  event.detail.source.addEventListener("stale", () => {
    event.detail.source.close();
    location.reload();
  });
});
