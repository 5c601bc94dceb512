// What the panel knows, where it comes from, and how it asks for things.
import { useEffect, useReducer } from './vendor/preact.js';

/** Everything that is shown. `at` is when it was last known to be true. */
export const state = {
  link: 'connecting', // connecting, live, lost, locked
  info: null, toys: new Map(), activity: [], log: [], groups: [], patterns: [],
  stopping: null, // { error } while a stop of all toys is not acknowledged
  stopped: null, // { at } for a moment after it was
  asked: null, // { ready } while the panel asks whether to end Quiet
  toasts: [], lostAt: null,
};

const listeners = new Set();
let queued = false;
/** Shows what has changed, once per frame; at once where frames do not come. */
export function changed() {
  if (queued) return;
  queued = true;
  const show = () => {
    if (!queued) return;
    queued = false;
    listeners.forEach((listener) => listener());
  };
  requestAnimationFrame(show);
  setTimeout(show, 50);
}
/** Draws a component again whenever something changes. */
export function useStore() {
  const [, draw] = useReducer((count) => count + 1, 0);
  useEffect(() => { listeners.add(draw); return () => listeners.delete(draw); }, []);
  return state;
}

export class Refusal extends Error {
  constructor(status, code, message, body) {
    super(message);
    Object.assign(this, { status, code, body });
  }
}

/** Asks for something. Paths are relative, so that any prefix works. */
export async function ask(path, { body, patience = 8000, signal } = {}) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), patience);
  signal?.addEventListener('abort', () => abort.abort());
  const options = { signal: abort.signal, credentials: 'same-origin', cache: 'no-store' };
  if (body !== undefined) {
    options.method = 'POST';
    options.headers = { 'x-toy2mqtt': 'panel', 'content-type': 'application/json' };
    options.body = body === null ? '' : JSON.stringify(body);
  }
  try {
    const answer = await fetch(path, options);
    const read = await answer.json().catch(() => ({}));
    if (answer.status === 401 && !path.endsWith('login')) locked();
    if (!answer.ok || answer.status === 207) {
      const bad = read.error ?? Object.values(read.results ?? {}).find((one) => one.error)?.error;
      throw new Refusal(answer.status, bad?.code ?? 'failed', bad?.message ?? `the bridge answers ${answer.status}`, read);
    }
    return read;
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(0, 'lost', abort.signal.aborted ? 'no answer in time' : 'the bridge cannot be reached');
  } finally {
    clearTimeout(timer);
  }
}

/** Asks, and says what came of it. Gives the answer, or nothing if it failed. */
export async function act(path, body, done) {
  try {
    const answer = await ask(path, { body });
    if (done) toast(done);
    return answer;
  } catch (error) {
    toast(error.message, 'bad');
    return undefined;
  }
}

let toasts = 0;
export function toast(text, kind = 'good') {
  const id = ++toasts;
  state.toasts = [...state.toasts.slice(-3), { id, text, kind }];
  changed();
  setTimeout(() => { state.toasts = state.toasts.filter((one) => one.id !== id); changed(); }, kind === 'bad' ? 6000 : 2500);
}

// Stops -------------------------------------------------------------------------------------------

/** Counts stops, so that whatever was asked before one is not asked after it. */
export let stops = 0;
const underWay = new Map(); // toy → sets under way
const pause = (ms) => new Promise((wake) => setTimeout(wake, ms));

/**
 * Stops all toys: asks again and again until the bridge says that it has. Whoever presses again means
 * it: the request before may hang, or something may have started a toy since. The last press counts.
 */
export async function stopAll() {
  stops += 1;
  sliders.forEach((slider) => slider.drop());
  const busy = [...underWay.values()].flatMap((set) => [...set]);
  const stopping = { error: state.stopping?.error };
  const overtaken = () => state.stopping !== stopping;
  state.stopping = stopping;
  state.stopped = null;
  changed();
  for (let patience = 6000; ; patience = 3000) {
    try {
      await ask('api/stop', { body: null, patience });
      break;
    } catch (error) {
      if (overtaken()) return;
      // It came through. A toy that is away cannot be told; whatever moved it ends by itself.
      const failed = Object.values(error.body?.results ?? {}).filter((one) => !one.ok);
      if (failed.length && failed.every((one) => one.error?.code === 'offline')) {
        toast(`Stopped, but one is away: ${error.message}`, 'bad');
        break;
      }
      stopping.error = error.message;
      changed();
      await pause(300);
      if (overtaken()) return;
    }
  }
  // What was on its way when the button was pressed may have come in after the stop.
  if (busy.length && !overtaken()) {
    await Promise.allSettled(busy);
    if (!overtaken()) await ask('api/stop', { body: null }).catch(() => {});
  }
  if (overtaken()) return;
  state.stopping = null;
  state.stopped ??= { at: Date.now() };
  const shown = state.stopped;
  changed();
  setTimeout(() => { if (state.stopped === shown) { state.stopped = null; changed(); } }, 2500);
}

/** Stops one toy. */
export async function stopToy(id) {
  stops += 1;
  sliders.forEach((slider) => slider.toy === id && slider.drop());
  const busy = [...(underWay.get(id) ?? [])];
  const answer = await act(`api/toys/${id}/stop`, null);
  if (busy.length) {
    await Promise.allSettled(busy);
    await ask(`api/toys/${id}/stop`, { body: null }).catch(() => {});
  }
  return answer;
}

/** Asks something of a toy that a stop overtakes. */
export function setToy(id, attribute, value) {
  const asked = ask(`api/toys/${id}/${attribute}/set`, { body: value });
  if (!underWay.has(id)) underWay.set(id, new Set());
  underWay.get(id).add(asked);
  asked.catch(() => {}).finally(() => underWay.get(id)?.delete(asked));
  return asked;
}

const sliders = new Set();
/** How far a finger goes sideways before it means the slider, in pixels. Less is a tap, or scrolling. */
const ASIDE = 10;
/** The same for a mouse, which scrolls otherwise. */
const NUDGE = 3;
/** A click this near to the knob means nothing. */
const NEAR = 16;
/** Rises of more than this that were not dragged to take RAMP seconds: time to let go, or to stop. */
const STEP = 10;
const RAMP = 1;

const weaker = (one, other) => (Math.abs(other) < Math.abs(one) ? other : one);

/**
 * The slider of an output. Sends the newest value: one request at a time, and the last one always.
 * A pointer moves the level relative to what it was; where the pointer comes down changes nothing.
 */
export class Slider {
  constructor(toy, attribute, show) {
    Object.assign(this, { toy, attribute, show, next: undefined, busy: false, hold: null, mute: false, level: {} });
    sliders.add(this);
  }
  put(value, ramp = false) {
    this.show(value);
    this.next = ramp ? { level: value, transition: RAMP } : value;
    if (!this.busy) this.run();
  }
  /** A level that was picked, by a click, a key or a screen reader: down at once, up gently. */
  pick(value) {
    const { shown } = this.level;
    const rises = Math.abs(value) > Math.abs(shown) || value * shown < 0;
    this.put(value, rises && Math.abs(value - shown) > STEP);
  }
  press(event) {
    if (!event.isPrimary || event.button > 0 || this.level.disabled) return;
    const track = event.currentTarget;
    const mouse = event.pointerType === 'mouse';
    track.setPointerCapture(event.pointerId);
    const { left, width } = track.getBoundingClientRect();
    const { shown } = this.level;
    this.mute = false;
    this.hold = { id: event.pointerId, mouse, x: event.clientX, y: event.clientY, left, width, before: shown, last: shown, dragged: false };
  }
  move(event) {
    const { hold } = this;
    if (hold?.id !== event.pointerId) return;
    const x = event.clientX - hold.x;
    const y = event.clientY - hold.y;
    hold.dragged ||= hold.mouse ? Math.abs(x) >= NUDGE : Math.abs(x) >= ASIDE && Math.abs(x) > 1.5 * Math.abs(y);
    const value = this.at(hold.before, x / hold.width);
    if (!hold.dragged || this.mute || value === hold.last) return;
    hold.last = value;
    this.put(value);
  }
  release(event) {
    const { hold } = this;
    if (hold?.id !== event.pointerId) return;
    this.hold = null;
    // Not at the press: its default action would take the focus away again.
    if (hold.mouse) event.currentTarget.querySelector('input').focus({ preventScroll: true });
    if (!hold.mouse || hold.dragged || this.mute) return;
    const knob = hold.left + ((hold.before - this.level.min) / (100 - this.level.min)) * hold.width;
    if (Math.abs(event.clientX - knob) >= NEAR) this.pick(this.at(this.level.min, (event.clientX - hold.left) / hold.width));
  }
  /** The browser or the system took the touch for something else: it takes back what it has sent. */
  cancel(event) {
    const { hold } = this;
    if (hold?.id !== event.pointerId) return;
    this.hold = null;
    if (this.mute || hold.last === hold.before) return;
    // Never up: what was lowered meanwhile, by this touch or by others, stays so.
    const back = weaker(weaker(hold.before, hold.last), this.level.target ?? hold.before);
    if (back !== hold.last) this.put(back);
  }
  /** The level that is a share of the whole track away from another one. */
  at(from, share) {
    const { min } = this.level;
    return Math.round(Math.min(100, Math.max(min, from + share * (100 - min))));
  }
  /** A stop came. A drag that goes on was begun before it: it says nothing until it has been let go. */
  drop() { this.next = undefined; this.mute = !!this.hold; this.show(null); }
  close() { sliders.delete(this); }
  async run() {
    this.busy = true;
    while (this.next !== undefined) {
      const value = this.next;
      this.next = undefined;
      const before = stops;
      try {
        await setToy(this.toy, this.attribute, value);
      } catch (error) {
        // A stop that came from elsewhere is felt in the hand, too.
        if (error.code === 'stopped') this.drop();
        // A stop says enough by itself.
        if (this.next === undefined && !(error.code === 'stopped' && before !== stops)) toast(error.message, 'bad');
      }
    }
    this.busy = false;
    this.show(null);
  }
}

// Before anything else may take the key: in every place, on stale data, too.
addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !event.repeat && state.link !== 'locked') stopAll();
}, true);

// Quiet -------------------------------------------------------------------------------------------

/** How long the second touch has to wait: a double tap is one touch. */
const DELIBERATE = 700;
/** After this the question goes away, and Quiet stays. */
const ASKED = 15000;

/** Switches Quiet on at once. Off, asks first: Quiet is ended by a second, deliberate touch. */
export function quiet(on) {
  if (on) return act('api/quiet', 'ON');
  const asked = state.asked ? null : { ready: false };
  state.asked = asked;
  changed();
  if (!asked) return undefined;
  setTimeout(() => { asked.ready = true; changed(); }, DELIBERATE);
  setTimeout(() => { if (state.asked === asked) keepQuiet(); }, ASKED);
  return undefined;
}
export function keepQuiet() { state.asked = null; changed(); }
export function endQuiet() {
  if (!state.asked?.ready) return;
  keepQuiet();
  act('api/quiet', 'OFF');
}

// The stream --------------------------------------------------------------------------------------

const RETRY = 500;
const SILENCE = 12000;
let stream = null;
let silence = 0;
let again = 0;

function locked() {
  state.link = 'locked';
  stream?.close();
  stream = null;
  clearTimeout(again);
  changed();
}

function lost() {
  stream?.close();
  stream = null;
  clearTimeout(silence);
  if (state.link === 'locked') return;
  if (state.link !== 'lost') { state.link = 'lost'; state.lostAt = Date.now(); changed(); }
  clearTimeout(again);
  again = setTimeout(connect, RETRY);
}

function heard() {
  clearTimeout(silence);
  silence = setTimeout(lost, SILENCE);
  if (state.link !== 'live') { state.link = 'live'; state.lostAt = null; changed(); }
}

const keep = (list, entry, most) => [...list.slice(1 - most), entry];
const on = {
  all(all) {
    Object.assign(state, { info: all.info, activity: all.activity, log: all.log, groups: all.groups, patterns: all.patterns });
    state.toys = new Map(all.toys.map((toy) => [toy.id, toy]));
  },
  toy(toy) { state.toys = new Map(state.toys).set(toy.id, toy); },
  gone({ id }) { state.toys = new Map(state.toys); state.toys.delete(id); },
  bridge(info) { state.info = info; if (!info.quiet) state.asked = null; },
  activity(entry) { state.activity = keep(state.activity, entry, 400); },
  log(line) { state.log = keep(state.log, line, 400); },
  beat() {},
};

/** Connects to the stream; comes back by itself when it is lost. */
export function connect() {
  clearTimeout(again);
  stream?.close();
  const own = stream = new EventSource('api/events');
  for (const [kind, take] of Object.entries(on)) {
    own.addEventListener(kind, (event) => {
      if (own !== stream) return;
      take(JSON.parse(event.data));
      heard();
      changed();
    });
  }
  own.onerror = () => {
    if (own !== stream) return;
    // Why it was refused, the stream does not tell.
    if (state.link !== 'live' && own.readyState === EventSource.CLOSED) ask('api/info').catch(() => {});
    lost();
  };
}

// Browsers allow six connections to one place: whoever is not looked at gives theirs back.
let hiding = 0;
function looked() {
  clearTimeout(hiding);
  if (document.hidden) hiding = setTimeout(() => { stream?.close(); stream = null; clearTimeout(silence); }, 5000);
  else if (!stream && state.link !== 'locked') connect();
}
document.addEventListener('visibilitychange', looked);
if (document.hidden) looked();
addEventListener('pagehide', () => { stream?.close(); stream = null; clearTimeout(silence); clearTimeout(again); });
addEventListener('pageshow', (event) => event.persisted && state.link !== 'locked' && connect());
addEventListener('online', () => state.link === 'lost' && connect());

/** What a program or an automation would send, for the clipboard. */
export const asMqtt = (topic, payload) =>
  `mosquitto_pub -t '${state.info?.base_topic}/${topic}' -m '${typeof payload === 'string' ? payload : JSON.stringify(payload)}'`;
export const asAction = (topic, payload) => [
  'action: mqtt.publish', 'data:', `  topic: ${state.info?.base_topic}/${topic}`,
  `  payload: '${typeof payload === 'string' ? payload : JSON.stringify(payload)}'`,
].join('\n');

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    toast(`${what} copied`);
  } catch {
    // Only secure places have a clipboard: let the user copy.
    state.copying = { text, what };
    changed();
  }
}
