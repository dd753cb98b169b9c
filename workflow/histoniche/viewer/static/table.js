// Searches a table while one types; without it, the form's button does the same.

const form = document.querySelector("form[data-table]");
const field = form.elements.q;
let waiting;
let newest = 0;

async function search() {
  const number = ++newest;
  const address = `?${new URLSearchParams(new FormData(form))}`;
  const answer = await fetch(address, { headers: { accept: "text/html" } });
  // An answer that a later one has overtaken, or a login that has run out.
  if (number !== newest) return;
  if (!answer.ok || answer.redirected) {
    location.assign(address);
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.getElementById("rows").replaceWith(page.getElementById("rows"));
  history.replaceState(null, "", address);
}

field.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(search, 150);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(waiting);
  search();
});
