// Sorts and searches the tables of the page. Without it they stand as they were written.
const MOST = 10;
const words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const make = (tag, attributes = {}, text = "") => {
  const made = Object.assign(document.createElement(tag), attributes);
  made.textContent = text;
  return made;
};
const folded = (text) => text.toLowerCase().replace(/[\s_\u00a0]+/g, " ").trim();

const value = (row, column, isNumber) => {
  const cell = row.cells[column];
  const text = cell.dataset.value ?? cell.textContent.trim();
  if (!isNumber) return text;
  return text === "" || Number.isNaN(Number(text)) ? null : Number(text);
};
const compare = (a, b, sign) => {
  // What has no number comes last, whichever way one sorts.
  if (a === null || b === null) return (a === null) - (b === null);
  return sign * (typeof a === "number" ? (a > b) - (a < b) : words.compare(a, b));
};

const prepare = (table, number) => {
  const body = table.tBodies[0];
  const written = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const sort = (head) => {
    const column = heads.indexOf(head);
    const isNumber = head.classList.contains("number");
    const next = { ascending: "descending", descending: "none" };
    const order = next[head.getAttribute("aria-sort")] ?? "ascending";
    heads.forEach((other) => other.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", order);
    const keyed = written.map((row) => [value(row, column, isNumber), row]);
    const sign = order === "descending" ? -1 : 1;
    if (order !== "none") keyed.sort((a, b) => compare(a[0], b[0], sign));
    body.append(...keyed.map(([, row]) => row));
  };
  if (written.length > 1) {
    for (const head of heads) {
      const button = make("button", { type: "button", className: "sort" }, head.textContent);
      button.addEventListener("click", () => sort(head));
      head.replaceChildren(button);
      head.setAttribute("aria-sort", "none");
    }
  }
  const place = table.closest(".scroll");
  place.id ||= `rows-${number}`;
  const texts = written.map((row) => folded(row.textContent));
  const found = { place, title: table.caption.textContent, rows: written, texts };
  if (written.length > MOST) addSearch(found, number);
  return found;
};

const addSearch = (found, number) => {
  const id = `search-${number}`;
  const bar = make("div", { className: "search" });
  const label = make("label", { htmlFor: id }, "Search this table");
  const field = make("input", { id, type: "search", autocomplete: "off" });
  const status = make("span");
  status.setAttribute("role", "status");
  field.addEventListener("input", () => {
    const sought = folded(field.value);
    let shown = 0;
    found.rows.forEach((row, place) => {
      row.hidden = !found.texts[place].includes(sought);
      shown += !row.hidden;
    });
    status.textContent = sought ? `${shown} of ${found.rows.length} rows` : "";
  });
  bar.append(label, field, status);
  found.place.before(bar);
};

const tables = [...document.querySelectorAll("main table")].map(prepare);
const photos = [...document.querySelectorAll(".gallery li")];

const reveal = (place) => {
  for (let at = place.closest("details"); at; at = at.parentElement.closest("details")) {
    at.open = true;
  }
};

const hits = (sought) => {
  const lists = [];
  for (const { place, title, rows, texts } of tables) {
    const own = rows.filter((row, number) => {
      const hit = sought !== "" && texts[number].includes(sought);
      row.classList.toggle("hit", hit);
      return hit;
    });
    if (own.length) lists.push([place, `${title}: ${own.length} ${own.length > 1 ? "rows" : "row"}`]);
  }
  const galleries = new Map();
  photos.forEach((photo) => {
    const hit = sought !== "" && folded(photo.textContent).includes(sought);
    photo.classList.toggle("hit", hit);
    const gallery = photo.parentElement;
    if (hit) galleries.set(gallery, (galleries.get(gallery) ?? 0) + 1);
  });
  for (const [gallery, size] of galleries) {
    gallery.id ||= `gallery-${[...document.querySelectorAll(".gallery")].indexOf(gallery)}`;
    const title = gallery.getAttribute("aria-label");
    lists.push([gallery, `${title}: ${size} ${size > 1 ? "pictures" : "picture"}`]);
  }
  return lists;
};

/** A button that opens all closed tables, as for printing them, and closes them again. */
const closedTables = () => {
  const closed = [...document.querySelectorAll("figure details")];
  if (!closed.length) return [];
  const words = ["Open all tables of figures, to print them too", "Close all tables of figures"];
  const button = make("button", { type: "button", className: "tables" }, words[0]);
  button.addEventListener("click", () => {
    const open = button.textContent === words[0];
    closed.forEach((one) => (one.open = open));
    button.textContent = words[Number(open)];
  });
  return [button];
};

const addFind = () => {
  const form = make("form", { className: "find" });
  form.setAttribute("role", "search");
  const label = make("label", { htmlFor: "find" }, "Find a gene, gene set, region, slide or patient");
  const field = make("input", { id: "find", type: "search", autocomplete: "off" });
  const status = make("p");
  status.setAttribute("role", "status");
  const list = make("ul");
  const find = () => {
    // One letter is in every row.
    const sought = folded(field.value).length > 1 ? folded(field.value) : "";
    const lists = hits(sought);
    const items = lists.map(([place, text]) => {
      const link = make("a", { href: `#${place.id}` }, text);
      link.addEventListener("click", () => reveal(place));
      const item = make("li");
      item.append(link);
      return item;
    });
    list.replaceChildren(...items);
    if (!sought) status.textContent = "";
    else status.textContent = items.length ? "It stands, marked, in:" : "No table of this page has it.";
  };
  let waiting;
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(find, 120);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    find();
  });
  form.append(label, field, ...closedTables(), status, list);
  document.querySelector("nav").after(form);
};
if (tables.length) addFind();
