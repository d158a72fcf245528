"use strict";

// The drawing is strokes of points from 0 to `area`; the server makes the image of them, and answers
// with every layer's maps, a byte for each number. The latest drawing wins: while an answer is under
// way, what is drawn meanwhile waits, and only its last state is asked.

const $ = (id) => document.getElementById(id);
const pad = $("pad");
const PEN = 0.06; // of the drawing area
const STEP = 1 / 28; // of a key
const CLOSE = 0.004; // points nearer than this to the last one are left out
const QUICK = 0.06; // seconds
const REST = 150; // milliseconds
const RATIO = window.devicePixelRatio || 1;
const HIGH = 255;
const ZERO = 128;

let facts = null;
let strokes = []; // of [x, y] from 0 to 1
let revision = 0;
let changed = 0; // when the drawing changed first since the last question
let resting = 0; // a timer
let lens = null; // {layer, map} that is enlarged
const frames = { reference: null, mine: null };
const state = {
  reference: { busy: false, dirty: false },
  mine: { busy: false, dirty: false },
};

// --- colours: a table of 256 for maps without numbers below zero, another for those with

let colours = null;

function mixed(one, other, share) {
  return one.map((value, i) => Math.round(value + (other[i] - value) * share));
}

function readColours() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const paper = dark ? [10, 12, 14] : [255, 255, 255];
  const ink = dark ? [242, 245, 248] : [16, 20, 26];
  const below = dark ? [255, 148, 64] : [190, 80, 0];
  const above = dark ? [104, 178, 255] : [8, 80, 160];
  const table = (colour) => {
    const words = new Uint32Array(256);
    const bytes = new Uint8ClampedArray(words.buffer);
    for (let i = 0; i < 256; i++) bytes.set([...colour(i), HIGH], 4 * i);
    return words;
  };
  colours = {
    plain: table((i) => mixed(paper, ink, i / HIGH)),
    signed: table((i) =>
      i < ZERO ? mixed(paper, below, (ZERO - i) / 127) : mixed(paper, above, (i - ZERO) / 127),
    ),
  };
  const gradient = (...stops) => `linear-gradient(90deg, ${stops.map((s) => `rgb(${s})`).join()})`;
  $("scale-plain").style.background = gradient(paper, ink);
  $("scale-signed").style.background = gradient(below, paper, above);
}

// --- answers

function decoded(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  head.groups = head.ranges.map((ranges) =>
    ranges.map(([low, high], i) => {
      const layer = facts.layers[i];
      const size = layer.maps * layer.rows * layer.columns;
      const bytes = new Uint8Array(buffer, at, size);
      at += size;
      return { low, high, bytes };
    }),
  );
  return head;
}

function trouble(place, text) {
  $(place).textContent = text;
  $(place).hidden = !text;
}

async function ask(kind) {
  const mine = state[kind];
  mine.dirty = true;
  if (mine.busy || facts === null) return;
  mine.busy = true;
  const place = kind === "mine" ? "mine-trouble" : "trouble";
  while (mine.dirty) {
    mine.dirty = false;
    const asked = revision;
    const since = changed;
    if (kind === "reference") changed = 0;
    const points = strokes.map((stroke) =>
      stroke.map(([x, y]) => [Math.round(x * facts.area), Math.round(y * facts.area)]),
    );
    try {
      const answer = await fetch(kind === "mine" ? "mine" : "look", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(points),
      });
      if (!answer.ok) {
        trouble(place, await answer.text());
        continue;
      }
      frames[kind] = decoded(await answer.arrayBuffer());
      frames[kind].empty = points.length === 0;
      trouble(place, "");
    } catch (error) {
      trouble("trouble", "There is no answer: start autograder capstone demo again, and open its new address.");
      break;
    }
    (kind === "mine" ? showMine : showReference)();
    showLayers();
    if (kind === "reference" && since) {
      // When the browser has painted it.
      requestAnimationFrame(() => setTimeout(() => {
        $("time-page").textContent = milliseconds(performance.now() - since);
      }));
    }
    pad.dataset[kind] = asked;
  }
  mine.busy = false;
}

function drawn() {
  revision += 1;
  pad.dataset.drawn = revision;
  changed = changed || performance.now();
  $("undo").disabled = $("clear").disabled = strokes.length === 0;
  paintPad();
  ask("reference");
  if (facts !== null && facts.mine !== null) {
    // Slow functions are asked when the pen rests, so that they do not slow the reference down.
    const slow = frames.mine === null || frames.mine.seconds > QUICK;
    clearTimeout(resting);
    resting = setTimeout(() => ask("mine"), slow ? REST : 0);
  }
}

// --- what is written

const milliseconds = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
const percent = (p) => `${(100 * p).toFixed(p > 0.9995 || p < 0.0005 ? 0 : 1)} %`;
const short = (value) => (value === 0 ? "0" : String(Number(value.toPrecision(3))).replace("-", "−"));

function best(probabilities) {
  return probabilities.indexOf(Math.max(...probabilities));
}

function showReference() {
  const frame = frames.reference;
  const most = best(frame.probabilities);
  const seen = frame.groups[0][0];
  paint($("seen"), facts.layers[0], seen, colours.plain, 1);
  $("digit").textContent = frame.empty ? "–" : most;
  $("sure").textContent = frame.empty ? "nothing yet" : percent(frame.probabilities[most]);
  bars("reference", frame);
  $("time-reference").textContent = milliseconds(1000 * frame.seconds);
}

function bars(kind, frame) {
  [...$("bars").tBodies[0].rows].forEach((row, digit) => {
    const p = frame.empty ? 0 : frame.probabilities[digit];
    const column = kind === "mine" ? 1 : 0;
    row.cells[1].children[column].firstChild.style.width = `${100 * p}%`;
    row.cells[2 + column].textContent = frame.empty ? "" : percent(p);
    if (kind === "reference") {
      row.classList.toggle("most", !frame.empty && digit === best(frame.probabilities));
    }
  });
}

function showMine() {
  const frame = frames.mine;
  bars("mine", frame);
  $("time-mine").textContent = milliseconds(1000 * frame.seconds);
  $("time-functions").textContent = milliseconds(1000 * frame.functionSeconds);
  $("largest").textContent =
    frame.largest === null ? `no number in ${frame.where}` :
    frame.largest === 0 ? "none" : `${apart(frame.largest)} in ${frame.where}`;
  const words = { right: "as the reference", wrong: "differs", broken: "fails; the reference stands in" };
  const items = frame.used
    .filter((used) => used.status !== "unwritten")
    .map((used) => {
      const layers = new Set(used.layers).size;
      const where = ` in ${layers} ${layers === 1 ? "layer" : "layers"}`;
      const next = used.said && `${used.said}\n→ autograder check ${used.function}`;
      return item(used.status, [used.function], words[used.status], where, next);
    });
  const unwritten = frame.used.filter((used) => used.status === "unwritten");
  if (unwritten.length) {
    const said = new Set(unwritten.map((used) => used.said).filter((text) => text.startsWith("there")));
    const names = unwritten.map((used) => used.function);
    items.push(item("unwritten", names, "not written; the reference stands in", "", [...said].join("; ")));
  }
  $("used").replaceChildren(...items);
}

const apart = (value) => (value < 0.001 ? value.toExponential(1) : short(value));

function item(status, functions, word, after, said) {
  const made = document.createElement("li");
  made.className = status;
  for (const name of functions) {
    const code = document.createElement("code");
    code.textContent = name;
    made.append(code, " ");
  }
  const bold = document.createElement("b");
  bold.textContent = word;
  made.append(bold, after);
  if (said) {
    const more = document.createElement("p");
    more.className = "quiet";
    more.textContent = said;
    made.append(more);
  }
  return made;
}

function speak() {
  const frame = frames.reference;
  if (frame === null || frame.empty) return;
  const most = best(frame.probabilities);
  $("spoken").textContent = `The network reads ${most}, ${percent(frame.probabilities[most])}`;
}

// --- layers

function shown(layer) {
  const value = document.querySelector("input[name=show]:checked").value;
  if (value !== "reference" && frames.mine !== null) {
    return frames.mine.groups[value === "mine" ? 0 : 1][layer];
  }
  return frames.reference && frames.reference.groups[0][layer];
}

function showsDifference() {
  return frames.mine !== null && document.querySelector("input[name=show]:checked").value === "apart";
}

function spelled(found) {
  if (!showsDifference()) return `${short(found.low)} to ${short(found.high)}`;
  return found.high === 0 ? "no difference" : `differs by up to ${apart(found.high)}`;
}

/** A table of colours for a layer; of differences in the scale of the layer itself. */
function palette(layer, found) {
  if (!showsDifference()) return found.low < 0 ? colours.signed : colours.plain;
  const theirs = frames.reference.groups[0][layer];
  const scale = Math.max(-theirs.low, theirs.high);
  const factor = scale > 0 ? Math.min(1, found.high / scale) : 1;
  return colours.plain.map((_, i) => colours.plain[Math.round(i * factor)]);
}

/** A layer's maps in so many columns with a line between them; or `only` one of them. */
function paint(canvas, layer, found, table, columns, only) {
  const maps = only === undefined ? layer.maps : 1;
  const gap = maps > 1 ? 1 : 0;
  const across = layer.columns + gap;
  const down = layer.rows + gap;
  const width = columns * across - gap;
  const height = Math.ceil(maps / columns) * down - gap;
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const words = new Uint32Array(image.data.buffer);
  let from = (only || 0) * layer.rows * layer.columns;
  for (let map = 0; map < maps; map++) {
    const left = (map % columns) * across;
    const top = Math.floor(map / columns) * down;
    for (let row = 0; row < layer.rows; row++) {
      let to = (top + row) * width + left;
      for (let column = 0; column < layer.columns; column++) words[to++] = table[found.bytes[from++]];
    }
  }
  context.putImageData(image, 0, 0);
}

function tile(layer) {
  if (layer.maps > 1) return layer.columns >= 40 ? 64 : layer.columns >= 20 ? 43 : layer.columns >= 10 ? 34 : 26;
  return layer.rows === 1 ? 26 * layer.columns : 86;
}

/** Canvases as wide as there is room, in columns that are a power of two. */
function layOut() {
  const room = $("layers").clientWidth;
  facts.layers.forEach((layer) => {
    const size = Math.min(tile(layer), room);
    const fit = Math.max(1, Math.floor(room / size));
    layer.across = fit >= layer.maps ? layer.maps : 2 ** Math.floor(Math.log2(fit));
    const wide = layer.maps > 1 && layer.across < layer.maps ? Math.min(room / layer.across, 1.35 * size) : size;
    layer.canvas.style.width = `${Math.floor(wide * layer.across)}px`;
  });
}

function showLayers() {
  facts.layers.forEach((layer, i) => {
    const found = shown(i);
    if (!found) return;
    paint(layer.canvas, layer, found, palette(i, found), layer.across);
    layer.range.textContent = spelled(found);
  });
  showLens();
}

function showLens() {
  const found = lens && shown(lens.layer);
  $("lens").hidden = !found;
  if (!found) return;
  const layer = facts.layers[lens.layer];
  paint($("lens-map"), layer, found, palette(lens.layer, found), 1, lens.map);
  const which = layer.maps > 1 ? `map ${lens.map + 1} of ${layer.maps}, ` : "";
  $("lens-text").textContent =
    `${layer.name}: ${which}${layer.rows} × ${layer.columns}; the layer: ${spelled(found)}`;
  const box = $("lens").getBoundingClientRect();
  const left = Math.min(Math.max(8, lens.x + 16), innerWidth - box.width - 8);
  const below = lens.y + 20 + box.height < innerHeight;
  $("lens").style.left = `${left}px`;
  $("lens").style.top = `${Math.max(8, below ? lens.y + 20 : lens.y - box.height - 20)}px`;
}

function enlarge(index, map, x, y) {
  lens = { layer: index, map, x, y };
  showLens();
}

function close() {
  lens = null;
  $("lens").hidden = true;
}

function mapAt(layer, event) {
  const box = layer.canvas.getBoundingClientRect();
  const down = Math.ceil(layer.maps / layer.across);
  const column = Math.floor(((event.clientX - box.left) / box.width) * layer.across);
  const row = Math.floor(((event.clientY - box.top) / box.height) * down);
  const map = row * layer.across + column;
  return column >= 0 && column < layer.across && map >= 0 && map < layer.maps ? map : null;
}

function makeLayer(layer, index) {
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  const name = document.createElement("code");
  name.textContent = layer.name;
  const kind = document.createElement("span");
  kind.textContent = layer.kind;
  const shape = document.createElement("span");
  shape.textContent = layer.shape.join(" × ");
  layer.range = document.createElement("span");
  layer.range.className = "range";
  caption.append(name, kind, shape, layer.range);
  const canvas = (layer.canvas = document.createElement("canvas"));
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-roledescription", "feature maps");
  canvas.setAttribute(
    "aria-label",
    `Layer ${layer.name}, ${layer.kind}: ${layer.maps} ${layer.maps === 1 ? "map" : "maps"} of ` +
      `${layer.rows} by ${layer.columns}; arrow keys enlarge one`,
  );
  const point = (event) => {
    const map = mapAt(layer, event);
    if (map === null) close();
    else enlarge(index, map, event.clientX, event.clientY);
  };
  canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && point(event));
  canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && close());
  // Not a click, which a finger that stays a little too long does not make.
  canvas.addEventListener("pointerup", (event) => {
    canvas.focus({ preventScroll: true });
    point(event);
  });
  canvas.addEventListener("blur", () => lens?.layer === index && close());
  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -layer.across, ArrowDown: layer.across };
    if (event.key === "Escape") return close();
    if (!(event.key in moves)) return;
    event.preventDefault();
    const here = lens && lens.layer === index ? lens.map + moves[event.key] : 0;
    const map = Math.min(Math.max(here, 0), layer.maps - 1);
    const box = canvas.getBoundingClientRect();
    enlarge(index, map, box.left + ((map % layer.across) / layer.across) * box.width, box.bottom);
  });
  figure.append(caption, canvas);
  return figure;
}

// --- the drawing area

const keyboard = { x: 0.5, y: 0.2, down: false, shown: false, pressed: new Set() };
let pointer = null;

function full() {
  return facts !== null && strokes.reduce((sum, s) => sum + s.length, 0) >= facts.points;
}

function place(event) {
  const box = pad.getBoundingClientRect();
  const inside = (value) => Math.min(Math.max(value, 0), 1);
  return [inside((event.clientX - box.left) / box.width), inside((event.clientY - box.top) / box.height)];
}

pad.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || pointer !== null || full()) return;
  pointer = event.pointerId;
  pad.setPointerCapture(pointer);
  keyboard.shown = keyboard.down = false;
  strokes.push([place(event)]);
  drawn();
});

pad.addEventListener("pointermove", (event) => {
  if (event.pointerId !== pointer) return;
  const stroke = strokes[strokes.length - 1];
  const before = stroke.length;
  const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
  for (const one of events.length ? events : [event]) {
    const [x, y] = place(one);
    const [lastX, lastY] = stroke[stroke.length - 1];
    if (Math.hypot(x - lastX, y - lastY) > CLOSE && !full()) stroke.push([x, y]);
  }
  if (stroke.length > before) drawn();
});

for (const end of ["pointerup", "pointercancel"]) {
  pad.addEventListener(end, (event) => {
    if (event.pointerId !== pointer) return;
    pointer = null;
    setTimeout(speak, 400);
  });
}

function undo() {
  if (pointer !== null || !strokes.length) return;
  strokes.pop();
  keyboard.down = false;
  drawn();
}

function clear() {
  if (pointer !== null) return;
  strokes = [];
  keyboard.down = false;
  $("spoken").textContent = "";
  drawn();
}

$("undo").addEventListener("click", undo);
$("clear").addEventListener("click", clear);

pad.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  const moves = { arrowleft: [-1, 0], arrowright: [1, 0], arrowup: [0, -1], arrowdown: [0, 1] };
  if (key in moves) {
    keyboard.pressed.add(key);
    // Two arrows at once go aslant.
    for (const pressed of keyboard.pressed) {
      keyboard.x = Math.min(Math.max(keyboard.x + moves[pressed][0] * STEP, 0), 1);
      keyboard.y = Math.min(Math.max(keyboard.y + moves[pressed][1] * STEP, 0), 1);
    }
    keyboard.shown = true;
    if (keyboard.down && strokes.length && !full()) {
      strokes[strokes.length - 1].push([keyboard.x, keyboard.y]);
      drawn();
    } else paintPad();
  } else if (key === " " && !event.repeat) {
    keyboard.shown = true;
    keyboard.down = !keyboard.down && !full();
    if (keyboard.down) strokes.push([[keyboard.x, keyboard.y]]);
    else setTimeout(speak, 400);
    $("spoken").textContent = keyboard.down ? "pen down" : "pen up";
    drawn();
  } else if (key === "u" || key === "backspace") undo();
  else if (key === "c" || key === "delete") clear();
  else return;
  event.preventDefault();
});
pad.addEventListener("keyup", (event) => keyboard.pressed.delete(event.key.toLowerCase()));
pad.addEventListener("focus", () => {
  keyboard.shown = pad.matches(":focus-visible");
  paintPad();
});
pad.addEventListener("blur", () => {
  keyboard.pressed.clear();
  keyboard.shown = keyboard.down = false;
  paintPad();
});

function paintPad() {
  const size = Math.round(pad.clientWidth * RATIO);
  if (pad.width !== size) pad.width = pad.height = size;
  const context = pad.getContext("2d");
  const style = getComputedStyle(pad);
  const colour = (name) => style.getPropertyValue(name);
  context.clearRect(0, 0, size, size);
  context.lineWidth = PEN * size;
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = colour("--ink");
  for (const stroke of strokes) {
    context.beginPath();
    stroke.forEach(([x, y]) => context.lineTo(x * size, y * size));
    if (stroke.length === 1) context.lineTo(stroke[0][0] * size, stroke[0][1] * size + 0.01);
    context.stroke();
  }
  if (!keyboard.shown) return;
  const [x, y, reach] = [keyboard.x * size, keyboard.y * size, 0.05 * size];
  context.lineWidth = 2 * RATIO;
  context.strokeStyle = colour(keyboard.down ? "--bad" : "--link");
  context.beginPath();
  context.moveTo(x - reach, y);
  context.lineTo(x + reach, y);
  context.moveTo(x, y - reach);
  context.lineTo(x, y + reach);
  context.stroke();
}

// --- the beginning

function makeBars() {
  for (let digit = 0; digit < 10; digit++) {
    const row = $("bars").tBodies[0].insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = digit;
    row.append(head);
    const both = row.insertCell();
    for (const kind of ["track", "track of-mine"]) {
      const track = document.createElement("div");
      track.className = kind;
      track.append(document.createElement("div"));
      both.append(track);
    }
    row.insertCell();
    row.insertCell().className = "of-mine";
  }
}

function repaint() {
  readColours();
  paintPad();
  if (facts === null) return;
  layOut();
  if (frames.reference !== null) {
    showReference();
    showLayers();
  }
}

async function begin() {
  readColours();
  makeBars();
  try {
    facts = await (await fetch("facts")).json();
  } catch (error) {
    trouble("trouble", "There is no answer: start autograder capstone demo again.");
    return;
  }
  $("told").textContent = `${facts.told} ${facts.parameters.toLocaleString("en")} parameters.`;
  if (facts.mine !== null) {
    document.body.classList.add("with-mine");
    $("folder").textContent = `from ${facts.mine}, isolation ${facts.isolation}; read again when a file changes`;
  }
  $("layers").replaceChildren(...facts.layers.map(makeLayer));
  for (const choice of document.getElementsByName("show")) choice.addEventListener("change", showLayers);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  addEventListener("resize", repaint);
  addEventListener("scroll", close, { passive: true });
  layOut();
  drawn();
}

begin();
