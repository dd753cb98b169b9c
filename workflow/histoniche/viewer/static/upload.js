// Sends a slide in chunks: with progress, pause, and going on where it stopped.

const form = document.querySelector("form[data-sending]");
const TRIES = 4;
const FIRST_WAIT = 1000;
let paused = false;

const part = (id) => document.getElementById(id);

function say(words) {
  part("said").textContent = words;
}

function complain(words) {
  part("trouble").textContent = words;
  part("trouble").hidden = !words;
}

/** A refusal of the server, which says in words what to do. */
class Refusal extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

async function answerOf(request) {
  const answer = await request;
  if (answer.ok) return answer.json();
  if (answer.status === 401) throw new Refusal(401, "The login has run out. Open the page anew, and log in.");
  const kind = answer.headers.get("content-type") || "";
  const said = kind.includes("json") ? (await answer.json()).problem : "";
  throw new Refusal(answer.status, said || "The viewer could not take it. Try again.");
}

/** Send one chunk, again if the connection or the server failed. */
async function sendChunk(upload, number, content) {
  for (let tried = 1; ; tried++) {
    try {
      return await answerOf(
        fetch(`/uploads/${upload.id}/chunks/${number}`, {
          method: "PUT",
          body: content,
          headers: { "x-form": form.elements.form.value },
        }),
      );
    } catch (error) {
      if (error instanceof Refusal && error.status < 500) throw error;
      if (tried === TRIES || (error instanceof Refusal && error.status === 507)) throw error;
      await new Promise((done) => setTimeout(done, FIRST_WAIT * 2 ** (tried - 1)));
    }
  }
}

/** Show how much of a file is there, and, from what was sent since, how long the rest takes. */
function show(share, file, since) {
  part("sent").hidden = false;
  part("bar").value = share;
  part("share").textContent = `${Math.round(100 * share)} %`;
  const unit = file.size >= 2 ** 30 ? ["GB", 2 ** 30] : ["MB", 2 ** 20];
  const [here, all] = [share * file.size, file.size].map((size) => (size / unit[1]).toFixed(1));
  const passed = (Date.now() - since.time) / 1000;
  const left = (passed * (1 - share)) / (share - since.share);
  part("rest").textContent = `${here} of ${all} ${unit[0]}${passed < 5 ? "" : `, ${duration(left)} left`}`;
}

function duration(seconds) {
  if (seconds < 60) return "less than a minute";
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `about ${minutes} min` : `about ${Math.round(minutes / 60)} h`;
}

/** The upload to go on with, or a new one. */
async function begun(file) {
  const { upload: id, name, size, chunk } = form.dataset;
  if (id) {
    if (file.name !== name || file.size !== Number(size)) {
      throw new Refusal(409, `That is not ${name} of the same size. Choose that file.`);
    }
    const state = await answerOf(fetch(`/uploads/${id}/state.json`));
    return { id, chunk: Number(chunk), received: state.received };
  }
  const body = new URLSearchParams({
    name: file.name,
    size: file.size,
    mpp: form.elements.mpp.value,
    form: form.elements.form.value,
  });
  return { ...(await answerOf(fetch("/uploads", { method: "POST", body }))), received: [] };
}

async function send(file) {
  const upload = await begun(file);
  // What is refreshed now goes on with this one.
  history.replaceState(null, "", `/uploads/${upload.id}`);
  Object.assign(form.dataset, { upload: upload.id, name: file.name, size: file.size, chunk: upload.chunk });
  const there = new Set(upload.received);
  const count = Math.ceil(file.size / upload.chunk);
  const missing = [...Array(count).keys()].filter((number) => !there.has(number));
  // One that is there is sent once more, so that the server sees whether this is the same file.
  const known = upload.received.slice(0, 1);
  let done = there.size;
  const since = { time: Date.now(), share: done / count };
  for (const number of [...known, ...missing]) {
    if (paused) return false;
    const start = number * upload.chunk;
    await sendChunk(upload, number, file.slice(start, start + upload.chunk));
    if (!there.has(number)) show(++done / count, file, since);
  }
  return true;
}

async function start() {
  const file = form.elements.slide.files[0];
  if (!file) return;
  paused = false;
  complain("");
  say(`Sending ${file.name}. Keep this page open.`);
  part("pause").hidden = false;
  form.querySelector("[type=submit]").disabled = true;
  try {
    if (await send(file)) {
      location.assign(`/uploads/${form.dataset.upload}`);
      return;
    }
    say("Paused. Go on, or come back later: what is here stays here.");
  } catch (error) {
    const lost = "The connection was lost. Go on when the viewer answers again.";
    complain(error instanceof Refusal ? error.message : lost);
    say("");
  }
  const submit = form.querySelector("[type=submit]");
  submit.disabled = false;
  if (form.dataset.upload) submit.textContent = "Go on";
  part("pause").hidden = true;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  start();
});
part("pause").addEventListener("click", () => {
  paused = true;
});
const drop = form.querySelector(".drop");
for (const kind of ["dragover", "dragleave", "drop"]) {
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) {
      form.elements.slide.files = event.dataTransfer.files;
    }
  });
}
