// A place to draw a signature in, where a script may run; without one the name is typed. What is sent are the strokes, as
// whole numbers on a canvas of 800 by 200: M10,20L11,21...
const place = document.querySelector("[data-drawing]");
const field = document.querySelector('input[name="drawing"]');

if (place && field) {
  const canvas = document.createElement("canvas");
  canvas.width = 800;
  canvas.height = 200;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", place.dataset.label);
  const label = document.createElement("p");
  label.className = "hint";
  label.textContent = place.dataset.label;
  const clear = document.createElement("button");
  clear.type = "button";
  clear.className = "quiet small";
  clear.textContent = place.dataset.clear;
  place.append(label, canvas, clear);

  const pen = canvas.getContext("2d");
  pen.lineWidth = 4;
  pen.lineCap = "round";
  pen.lineJoin = "round";
  let drawing = false;
  // What was drawn before a page came back with something missing.
  let strokes = field.value;
  pen.strokeStyle = getComputedStyle(canvas).color;
  for (const stroke of strokes.split("M").filter(Boolean)) {
    pen.beginPath();
    for (const [number, point] of stroke.split("L").entries()) {
      const [x, y] = point.split(",").map(Number);
      if (number === 0) pen.moveTo(x, y);
      else pen.lineTo(x, y);
    }
    pen.stroke();
  }

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    const x = Math.round(((event.clientX - box.left) * 800) / box.width);
    const y = Math.round(((event.clientY - box.top) * 200) / box.height);
    return [Math.min(800, Math.max(0, x)), Math.min(200, Math.max(0, y))];
  };
  canvas.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    drawing = true;
    const [x, y] = at(event);
    strokes += `M${x},${y}`;
    pen.strokeStyle = getComputedStyle(canvas).color;
    pen.beginPath();
    pen.moveTo(x, y);
    field.value = strokes;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drawing || strokes.length > 39000) return;
    const [x, y] = at(event);
    strokes += `L${x},${y}`;
    pen.lineTo(x, y);
    pen.stroke();
    field.value = strokes;
  });
  const end = () => {
    drawing = false;
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  clear.addEventListener("click", () => {
    strokes = "";
    field.value = "";
    pen.clearRect(0, 0, canvas.width, canvas.height);
  });
}
