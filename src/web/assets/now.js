// Now: what every toy does, and the controls that are needed most.
import { html } from './vendor/preact.js';
import { act, setToy, state as store, stopToy, toast, useStore } from './store.js';
import { Dot, Empty, Icon, Level, limitOf, outputName } from './widgets.js';

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

function Card({ toy, quiet }) {
  const { state } = toy;
  const running = state.state === 'ON';
  const off = !state.available;
  return html`<article class="card ${off ? 'away' : ''} ${running ? 'running' : ''}" aria-label=${toy.name}>
    <header>
      <${Dot} kind=${off ? 'off' : running ? 'run' : 'good'} label=${off ? 'away' : running ? 'running' : 'ready'} />
      <h2><a href=${`#/toy/${toy.id}`}>${toy.name}</a></h2>
      <span class="facts">${facts(toy)}</span>
      <a class="quiet-button square" href=${`#/toy/${toy.id}`} aria-label=${`More about ${toy.name}`}><${Icon} name="more" /></a>
    </header>
    ${off ? html`<p class="note">Away. It is shown here again as soon as it is switched on and connected.</p>` : html`
      <div class="levels">${outputLevels(toy, { disabled: quiet })}</div>
      <footer><${Patterns} toy=${toy} disabled=${quiet} />
        <button class="stop-one" aria-label=${`Stop ${toy.name}`} onClick=${() => stopToy(toy.id)}><${Icon} name="stop" />Stop</button></footer>`}
    ${state.note && html`<p class="note" role="status">It is ${state.note}.</p>`}
    ${state.last_error && html`<p class="error" role="status">${state.last_error}</p>`}
  </article>`;
}

export function Now() {
  const { info, toys } = useStore();
  if (!info) return null;
  const list = [...toys.values()].sort((a, b) => Number(b.state.available) - Number(a.state.available) || a.name.localeCompare(b.name));
  const configured = Object.keys(info.backends).length > 0;
  return html`<section aria-label="Now">
    ${info.quiet && html`<p class="banner calm" role="status"><${Icon} name="moon" /><span>Quiet is on: everything is stopped, and every request but stop is refused.</span>
      <button onClick=${() => act('api/quiet', 'OFF')}>End quiet</button></p>`}
    ${info.problems.map((problem) => html`<p class="banner warn" role="status" key=${problem}>${problem}</p>`)}
    ${list.length === 0 && (configured ? html`<${Empty} title="No toys yet">
        <p>Switch one on and connect it in its app. It shows up here within seconds.</p>
        <p><button class="primary" disabled=${info.scanning} onClick=${() => act('api/scan', 'ON')}><${Icon} name="scan" />${info.scanning ? 'Looking…' : 'Look for toys'}</button></p></${Empty}>`
      : html`<${Empty} title="Nothing is set up yet"><p>Tell the bridge where your toys are: <a href="#/setup">Set-up</a> shows how.</p></${Empty}>`)}
    <div class="cards">${list.map((toy) => html`<${Card} key=${toy.id} toy=${toy} quiet=${info.quiet} />`)}</div>
  </section>`;
}
