// Small parts that all screens use.
import { html, useEffect, useRef, useState } from './vendor/preact.js';
import { asAction, asMqtt, changed, copy, Slider, state, stopAll, useStore } from './store.js';

const PATHS = {
  now: 'M4 7h9m5 0h2M4 17h2m5 0h9M15.5 7a2 2 0 1 1-.01 0M8.5 17a2 2 0 1 1-.01 0',
  activity: 'M3 12h4l3-8 4 16 3-8h4',
  setup: 'M12 3v4m0 10v4M3 12h4m10 0h4M12 8.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7',
  health: 'M12 20s-7.5-4.6-7.5-10A4.3 4.3 0 0 1 12 7.4 4.3 4.3 0 0 1 19.5 10c0 5.4-7.5 10-7.5 10',
  stop: 'M7 7h10v10H7z', back: 'M14 6l-6 6 6 6', more: 'M10 6l6 6-6 6',
  battery: 'M3 8h15v8H3zM21 11v2', signal: 'M5 19v-3m5 3v-7m5 7V8m5 11V4',
  moon: 'M19 14.5A7.5 7.5 0 0 1 9.5 5a7.5 7.5 0 1 0 9.5 9.5', copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  scan: 'M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14m5 12 5 5',
};
export const Icon = ({ name }) => html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;

export const percent = (value) => (value === null || value === undefined ? '–' : `${Math.round(value * 10) / 10} %`);
const WORDS = {
  vibrate: 'Vibrate', rotate: 'Rotate', oscillate: 'Oscillate', constrict: 'Squeeze', thrust: 'Thrust', finger: 'Finger',
  suction: 'Suction', depth: 'Depth', stroke_min: 'Stroke from', stroke_max: 'Stroke to', position: 'Position',
  spray: 'Spray', temperature: 'Temperature', led: 'Light',
};
/** What an output is called: what the maker calls it, else a word for its kind. */
export function outputName(output) {
  if (output.label) return output.label;
  const [, kind, number] = output.key.match(/^(.*?)(?:_(\d+))?$/);
  return `${WORDS[kind] ?? kind}${number ? ` ${number}` : ''}`;
}
/** Where and how far a movement goes is not limited, only how strong it is. */
export const limitOf = (output) => (/^(depth|stroke)/.test(output.key) ? 100 : output.limit);
const UNITS = [[60, 's'], [60, 'min'], [24, 'h'], [1e9, 'd']];
/** A number of seconds for people. */
export function span(seconds) {
  let value = Math.max(0, seconds);
  for (const [size, unit] of UNITS) {
    if (value < size || unit === 'd') return `${value < 10 && unit !== 's' ? Math.round(value * 10) / 10 : Math.floor(value)} ${unit}`;
    value /= size;
  }
  return '';
}
export const ago = (ms) => span((Date.now() - ms) / 1000);
export const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour12: false });

/** Draws again every so often, for what shows how long ago something was. */
export function useTick(ms = 1000) {
  const [, tick] = useState(0);
  useEffect(() => { const timer = setInterval(() => tick((count) => count + 1), ms); return () => clearInterval(timer); }, [ms]);
}

export const Dot = ({ kind, label }) => html`<span class="dot ${kind}" role="img" aria-label=${label} title=${label}></span>`;
export const Empty = ({ title, children }) => html`<div class="empty"><h2>${title}</h2>${children}</div>`;

/** A menu that hands out what a control does, for MQTT and for Home Assistant. */
export function Copy({ topic, payload, name }) {
  const [open, setOpen] = useState(false);
  const box = useRef(null);
  useEffect(() => {
    if (!open) return undefined;
    const close = (event) => { if (event.type === 'keydown' ? event.key === 'Escape' : !box.current?.contains(event.target)) setOpen(false); };
    addEventListener('pointerdown', close);
    addEventListener('keydown', close);
    return () => { removeEventListener('pointerdown', close); removeEventListener('keydown', close); };
  }, [open]);
  const pick = (text, what) => { copy(text, what); setOpen(false); };
  return html`<span class="copy" ref=${box}>
    <button class="quiet-button square" aria-label=${`Copy ${name}`} aria-expanded=${open} title="Copy as…" onClick=${() => setOpen(!open)}><${Icon} name="copy" /></button>
    ${open && html`<span class="menu">
      <button onClick=${() => pick(asMqtt(topic, payload()), 'MQTT command')}>Copy as MQTT</button>
      <button onClick=${() => pick(asAction(topic, payload()), 'Home Assistant action')}>Copy as Home Assistant action</button>
    </span>`}
  </span>`;
}

/** Where a browser has no clipboard, the text to be copied by hand. */
export function CopyByHand() {
  const box = useRef(null);
  useEffect(() => { box.current?.querySelector('textarea')?.select(); }, [state.copying]);
  if (!state.copying) return null;
  const close = () => { state.copying = null; changed(); };
  return html`<div class="sheet" role="dialog" aria-label=${state.copying.what} ref=${box}>
    <label>${state.copying.what}<textarea readonly rows="5">${state.copying.text}</textarea></label>
    <button onClick=${close}>Close</button></div>`;
}

export function StopAll() {
  const { stopping, stopped } = useStore();
  const text = stopping ? (stopping.error ? 'Stopping… trying again' : 'Stopping…') : stopped ? 'Stopped' : 'Stop all';
  return html`<button id="stop-all" class=${stopping ? 'busy' : stopped ? 'done' : ''} onClick=${stopAll} title="Stop all toys (Esc)">
    <${Icon} name="stop" /><span aria-live="assertive">${text}</span><kbd aria-hidden="true">Esc</kbd></button>`;
}

/**
 * A level: drag, click, arrow keys, Home and End. Shows what is wanted, what the toy does (a question
 * mark if that is not known) and the limit. Pointers work the track; keys and screen readers the input.
 */
export function Level({ id, attribute, name, target, applied, limit = 100, min = 0, disabled, copyTopic }) {
  const [held, setHeld] = useState(null);
  const own = useRef(null);
  own.current ??= new Slider(id, attribute, setHeld);
  const slider = own.current;
  useEffect(() => () => slider.close(), []);
  const unknown = applied === null || applied === undefined;
  const shown = Math.round(held ?? target ?? applied ?? 0);
  Object.assign(slider, { show: setHeld, level: { shown, target, min, disabled } });
  const pick = (event) => {
    if (slider.mute) event.target.value = shown;
    else slider.pick(Number(event.target.value));
  };
  const place = (value) => `${((Math.min(100, Math.max(min, value)) - min) / (100 - min)) * 100}%`;
  const idle = unknown && !shown;
  const moving = !idle && (unknown || Math.round(applied) !== shown);
  const now = unknown ? '?' : Math.round(applied);
  const said = `${idle ? 'not known' : `${shown} %`}${moving ? `, now ${unknown ? 'not known' : `${now} %`}` : ''}${limit < 100 ? `, limit ${limit} %` : ''}`;
  return html`<div class="level ${disabled ? 'off' : ''}">
    <div class="level-head"><label for=${`${id}-${attribute}`}>${name}</label>
      <output title=${unknown ? 'What the toy does is not known yet' : null}>${idle ? '?' : `${shown} %`}${moving && html`<small> now ${now}</small>`}</output>
      ${copyTopic && html`<${Copy} topic=${copyTopic} payload=${() => String(shown)} name=${name} />`}</div>
    <div class="track" style=${{ '--at': place(shown), '--zero': place(0), '--applied': place(applied ?? 0), '--limit': place(limit) }}
      onPointerDown=${(event) => slider.press(event)} onPointerMove=${(event) => slider.move(event)} onPointerUp=${(event) => slider.release(event)}
      onPointerCancel=${(event) => slider.cancel(event)}>
      <span class="rail"></span><span class="applied"></span><span class="wanted"></span>
      ${limit < 100 && html`<span class="limit" title=${`Limit ${limit} %`}></span>`}
      <input type="range" id=${`${id}-${attribute}`} min=${min} max="100" step="1" value=${shown} disabled=${disabled}
        aria-valuetext=${said} onInput=${pick} />
    </div></div>`;
}

export function Switch({ label, hint, on, flip, disabled }) {
  return html`<button class="switch" role="switch" aria-checked=${String(!!on)} disabled=${disabled} onClick=${() => flip(!on)}>
    <span class="knob" aria-hidden="true"></span><span>${label}${hint && html`<small>${hint}</small>`}</span></button>`;
}

/** Asks before something that cannot be taken back. */
export function Sure({ label, question, yes, disabled, act }) {
  const [open, setOpen] = useState(false);
  if (!open) return html`<button disabled=${disabled} onClick=${() => setOpen(true)}>${label}</button>`;
  return html`<span class="sure" role="group" aria-label=${question}><span>${question}</span>
    <button class="danger" onClick=${() => { setOpen(false); act(); }}>${yes}</button>
    <button onClick=${() => setOpen(false)}>Keep</button></span>`;
}

export const outcomeText = (result) => {
  if (!result) return '';
  if (!result.ok) return result.error?.message ?? 'failed';
  const applied = Object.entries(result.applied ?? {}).map(([key, value]) => `${key} ${value} %`).join(', ');
  return `${applied || 'done'}${result.clamped_by ? ', held by the limit' : ''}${result.superseded ? ', replaced by a newer one' : ''}`;
};
