// Shows how far a job is, without the page being loaded anew.

const job = document.getElementById("job");
const EVERY = 1500;

function show(now) {
  const stages = document.querySelectorAll(".stages li");
  stages.forEach((stage, number) => {
    const progress = now.stages[number];
    if (stage.dataset.progress === progress) return;
    stage.dataset.progress = progress;
    stage.querySelector(".progress").textContent = progress;
  });
  const along = document.getElementById("along");
  if (along) {
    along.value = now.stages.filter((progress) => progress === "done").length;
    document.getElementById("counted").textContent = `${along.value} of ${now.stages.length} done`;
  }
  const lines = document.getElementById("lines");
  if (lines) lines.textContent = now.lines.join("\n");
  const ahead = document.getElementById("ahead");
  if (ahead) ahead.textContent = now.ahead ? `, ${now.ahead} before it` : "";
}

async function look() {
  const lost = document.getElementById("lost");
  try {
    const answer = await fetch(job.dataset.address);
    // Another start of the viewer wants another login.
    if (answer.status === 401 || answer.status === 404) {
      location.reload();
      return;
    }
    const now = await answer.json();
    if (now.state !== job.dataset.state) {
      location.reload();
      return;
    }
    lost.hidden = true;
    show(now);
  } catch {
    lost.hidden = false;
  }
  setTimeout(look, EVERY);
}

setTimeout(look, EVERY);
