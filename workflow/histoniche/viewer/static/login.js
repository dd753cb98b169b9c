// Logs in with the token that follows # in the address, which no browser sends by itself.

const form = document.querySelector("form.login");

async function goOn() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    // The token leaves the history with this.
    history.replaceState(null, "", location.pathname + location.search);
    form.elements.token.value = token;
    form.submit();
    return;
  }
  // What follows # in a link, the view of a slide, goes on with the form.
  form.action += location.hash;
  // A link from another site comes without the cookie of somebody who is logged in already.
  const answer = await fetch("/session", { credentials: "same-origin" });
  if (answer.ok) {
    location.replace(form.dataset.wanted + location.hash);
  }
}

goOn();
