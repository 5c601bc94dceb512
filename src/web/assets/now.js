// Now: what every toy does, and the controls that are needed most.
import { html } from './vendor/preact.js';
import { act, quiet as askQuiet, setToy, state as store, stopToy, toast, useStore } from './store.js';
import { clock, Dot, Empty, Icon, Level, limitOf, outputName } from './widgets.js';

export const outputLevels = (toy, props = {}) => toy.outputs.map((output) => html`<${Level} key=${output.key} id=${toy.id}
  attribute=${output.key} name=${outputName(output)} target=${toy.target[output.key]} applied=${toy.state[output.key]}
  limit=${limitOf(output)} min=${output.signed ? -100 : 0} disabled=${!toy.state.available || props.disabled}
  copyTopic=${props.copy ? `${toy.id}/${output.key}/set` : null} />`);

export function Patterns({ toy, disabled }) {
  const playing = toy.target.effect ?? 'Off';
  const pick = (name) => setToy(toy.id, 'effect', name).catch((error) => toast(error.message, 'bad'));
  return html`<div class="chips" role="group" aria-label="Pattern">
    ${['Off', ...toy.effects].map((name) => html`<button key=${name} class="chip" aria-pressed=${String(playing === name)}
      disabled=${disabled} onClick=${() => pick(name)}>${name}</button>`)}</div>`;
}

export function facts(toy) {
  const { state } = toy;
  return [
    state.battery !== undefined && state.battery !== null && html`<span class=${state.battery < 20 ? 'low' : ''}><${Icon} name="battery" /><span class="hidden">Battery </span>${state.battery} %</span>`,
    state.rssi !== undefined && state.rssi !== null && html`<span><${Icon} name="signal" /><span class="hidden">Signal </span>${state.rssi} dBm</span>`,
    state.route && html`<span>${store.info?.backends[state.route]?.label ?? state.route}</span>`,
  ].filter(Boolean);
}

const WHY = {
  stop: 'Stopped', quiet: 'Stopped by Quiet',
  broker_lost: 'Stopped for safety: the broker was away for too long',
  home_assistant_lost: 'Stopped for safety: Home Assistant was away for too long',
  idle: 'Stopped for safety: it ran for long without a new request',
  suspended: 'Stopped for safety: the machine of the bridge was asleep',
  unconfirmed: 'Stopped for safety: it did not confirm what it does',
};
const OVER = { mqtt: 'MQTT', rest: 'REST', panel: 'the panel' };
const RETURNS = 'It is shown here again as soon as it is switched on and connected.';

/** Why a toy that ran stands still. */
function stopped({ state, stopped: stop }) {
  if (!stop || state.state === 'ON') return null;
  const by = stop.by.replace(/^\w+/, (over) => OVER[over] ?? over);
  return `${WHY[stop.why] ?? `Stopped for safety: ${stop.why.replaceAll('_', ' ')}`}${by && ` over ${by}`}, at ${clock(stop.at)}.`;
}

/** The connections that do not answer, of those over which a toy that is away may be reached. */
function silent({ lost }) {
  const all = store.info?.backends ?? {};
  const own = lost && all[lost.route];
  return (own ? [own] : Object.values(all)).filter((one) => one.state !== 'up');
}

/** What a toy is at: away, unreachable, running, ready, or not known. */
export function mood(toy) {
  const { state } = toy;
  if (!state.available) return silent(toy).length ? ['bad', 'not reachable'] : ['off', 'away'];
  if (state.state === 'ON') return ['run', 'running'];
  const unknown = toy.outputs.some(({ key }) => state[key] === null && !/^(depth|stroke|position)/.test(key));
  return unknown ? ['wait', 'not known yet'] : ['good', 'ready'];
}

/** What there is to say about a toy: why it is away, why it was stopped, what went wrong. */
export function Reasons({ toy }) {
  const { state, lost } = toy;
  const mute = silent(toy);
  const why = stopped(toy);
  return html`
    ${!state.available && (mute.length === 0 ? html`<p class="note">Away${lost ? `: ${lost.reason}` : ''}. ${RETURNS}</p>`
    : html`<p class="error" role="status">Not reachable: ${mute.map((one) => `${one.label} ${one.state === 'connecting' ? 'is not connected yet' : 'does not answer'}`).join(', ')}. What the toy does is not known.</p>
      ${mute.map((one) => one.advice && html`<p class="cure" key=${one.label}>${one.advice[0].toUpperCase()}${one.advice.slice(1)}.</p>`)}`)}
    ${why && html`<p class="note why" role="status">${why}</p>`}
    ${state.note && html`<p class="note" role="status">It is ${state.note}.</p>`}
    ${state.last_error && html`<p class="error" role="status">${state.last_error}</p>`}`;
}

export const Stop = ({ toy }) => html`<button class="stop-one" aria-label=${`Stop ${toy.name}`} onClick=${() => stopToy(toy.id)}><${Icon} name="stop" />Stop</button>`;

function Card({ toy, quiet }) {
  const [kind, label] = mood(toy);
  const off = !toy.state.available;
  return html`<article class="card ${off ? 'away' : ''} ${kind === 'run' ? 'running' : ''}" aria-label=${toy.name}>
    <header>
      <${Dot} kind=${kind} label=${label} />
      <h2><a href=${`#/toy/${toy.id}`}>${toy.name}</a></h2>
      <span class="facts">${facts(toy)}</span>
      <a class="quiet-button square" href=${`#/toy/${toy.id}`} aria-label=${`More about ${toy.name}`}><${Icon} name="more" /></a>
    </header>
    ${!off && html`<div class="levels">${outputLevels(toy, { disabled: quiet })}</div>`}
    ${off ? kind === 'bad' && html`<footer><${Stop} toy=${toy} /></footer>`
    : html`<footer><${Patterns} toy=${toy} disabled=${quiet} /><${Stop} toy=${toy} /></footer>`}
    <${Reasons} toy=${toy} />
  </article>`;
}

export function Now() {
  const { info, toys } = useStore();
  if (!info) return null;
  const list = [...toys.values()].sort((a, b) => Number(b.state.available) - Number(a.state.available) || a.name.localeCompare(b.name));
  const configured = Object.keys(info.backends).length > 0;
  return html`<section aria-label="Now">
    ${info.quiet && html`<p class="banner calm" role="status"><${Icon} name="moon" /><span>Quiet is on: everything is stopped, and every request but stop is refused.</span>
      <button onClick=${() => askQuiet(false)}>End Quiet…</button></p>`}
    ${!info.broker.connected && html`<p class="banner warn" id="no-broker" role="status">No connection to the broker: Home Assistant reaches no toy until it is back. Stop works here.</p>`}
    ${info.problems.map((problem) => html`<p class="banner warn" role="status" key=${problem}>${problem}</p>`)}
    ${list.length === 0 && (configured ? html`<${Empty} title="No toys yet">
        <p>Switch one on and connect it in its app. It shows up here within seconds.</p>
        <p><button class="primary" disabled=${info.scanning} onClick=${() => act('api/scan', 'ON')}><${Icon} name="scan" />${info.scanning ? 'Looking…' : 'Look for toys'}</button></p></${Empty}>`
      : html`<${Empty} title="Nothing is set up yet"><p>Tell the bridge where your toys are: <a href="#/setup">Set-up</a> shows how.</p></${Empty}>`)}
    <div class="cards">${list.map((toy) => html`<${Card} key=${toy.id} toy=${toy} quiet=${info.quiet} />`)}</div>
  </section>`;
}
