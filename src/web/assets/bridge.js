// Set-up and Health: the bridge itself.
import { html, useEffect, useState } from './vendor/preact.js';
import { act, ask, quiet, toast, useStore } from './store.js';
import { ago, Copy, Dot, Icon, span, Sure, Switch, useTick } from './widgets.js';

const DOT = { up: 'good', connecting: 'wait', down: 'bad' };
export const SAYS = { up: 'answers', connecting: 'connecting', down: 'does not answer' };
const EXAMPLE = '[[lovense_lan]]\nhost = "192.168.1.20"   # as the app’s Game Mode screen shows it\nport = 20010';

function Findings({ findings }) {
  return html`<ul class="findings" aria-label="Findings">${findings.map((one) => html`<li class=${one.ok ? 'good' : 'bad'}>
    <${Dot} kind=${one.ok ? 'good' : 'bad'} label=${one.ok ? 'works' : 'fails'} /><div><strong>${one.hop}</strong> ${one.text}${one.cure && html`<p class="cure">${one.cure}</p>`}</div></li>`)}</ul>`;
}

function Doctor() {
  const [found, setFound] = useState(null);
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    try {
      setFound((await ask('api/doctor', { body: null, patience: 60000 })).findings);
    } catch (error) { toast(error.message, 'bad'); }
    setBusy(false);
  };
  return html`<section class="card"><h3>Test everything</h3>
    <p class="note">Tries the broker, each app and each hop on the way, and says what to do about the first that fails. Nothing moves.</p>
    <p><button class="primary" disabled=${busy} onClick=${run}>${busy ? 'Testing…' : 'Test'}</button></p>
    <div aria-live="polite">${found && html`<${Findings} findings=${found} />`}</div></section>`;
}

export function Setup() {
  const { info, groups, toys } = useStore();
  useTick();
  if (!info) return null;
  const backends = Object.entries(info.backends);
  return html`<section aria-label="Set-up"><div class="columns"><div>
    <section class="card"><h3>Connections</h3><ul class="links">
      <li><${Dot} kind=${info.broker.connected ? 'good' : 'bad'} label=${info.broker.connected ? 'connected' : 'not connected'} />
        <div><strong>Broker</strong><p class="note">${info.broker.connected ? `Connected. Topics start with ${info.base_topic}/.` : 'Not connected. The bridge keeps trying; toys stop by themselves after a while.'}</p></div></li>
      ${backends.map(([id, one]) => html`<li key=${id}><${Dot} kind=${DOT[one.state]} label=${SAYS[one.state]} /><div><strong>${one.label}</strong> ${SAYS[one.state]}
        ${one.since && html`<span class="note"> for ${ago(Date.parse(one.since))}</span>`}
        ${one.last_error && html`<p class="error">${one.last_error}</p>`}${one.advice && html`<p class="cure">${one.advice}</p>`}</div></li>`)}</ul>
      ${backends.length === 0 && html`<div class="empty small">${info.proposals.length === 0
    ? html`<p>No toy can be reached yet. Add this to the settings, then restart:</p><pre tabindex="0">${EXAMPLE}</pre>`
    : info.proposals.map((one) => html`<div key=${one.settings}><p>There is ${one.found}. If it is yours, add this to the settings, then restart:</p><pre tabindex="0">${one.settings}</pre></div>`)}</div>`}
      <p class="buttons"><button disabled=${info.scanning || !backends.length} onClick=${() => act('api/scan', 'ON', 'Looking for new toys')}><${Icon} name="scan" />${info.scanning ? 'Looking…' : 'Look for new toys'}</button>
        <${Copy} topic="bridge/scan/set" payload=${() => 'ON'} name="scan" />
        <button onClick=${() => act('api/refresh', null, 'Asked all of them')}>Ask who is there</button></p></section>
    <${Doctor} />
  </div><div>
    <section class="card"><h3>Safety</h3>
      <div class="row"><${Switch} label="Quiet" hint="Stops everything and refuses every request but stop, until you end it." on=${info.quiet} flip=${quiet} />
      <${Copy} topic="bridge/quiet/set" payload=${() => (info.quiet ? 'OFF' : 'ON')} name="quiet" /></div></section>
    <section class="card"><h3>Test toys</h3>${toys.size === 0 ? html`<p class="note">None are known yet.</p>` : html`<ul class="plain">${[...toys.values()].map((toy) => html`<li key=${toy.id}><a href=${`#/toy/${toy.id}`}>${toy.name}</a>
      <button disabled=${!toy.state.available || info.quiet} aria-label=${`Identify ${toy.name}`} onClick=${() => act(`api/toys/${toy.id}/identify`, null, 'Two gentle pulses')}>Identify</button></li>`)}</ul>`}</section>
    <section class="card"><h3>Groups</h3>${groups.length === 0 ? html`<p class="note">None. A group gives several toys one topic: add <code>[[group]]</code> to the settings.</p>`
      : html`<ul class="plain">${groups.map((group) => html`<li key=${group.name}><strong>${group.name}</strong> <span class="note">${group.toys.map((id) => toys.get(id)?.name ?? id).join(', ')}</span>
        <button onClick=${() => act(`api/groups/${group.name}/stop`, null, 'Stopped')}>Stop</button></li>`)}</ul>`}</section>
    <details class="card"><summary>Settings in force</summary>${info.settings ? html`<pre tabindex="0">${JSON.stringify(info.settings, null, 2)}</pre>` : html`<p class="note">Not shown, for discretion.</p>`}</details>
    <section class="card"><h3>Bridge</h3><p class="buttons"><button onClick=${() => act('api/republish', null, 'Everything is published again')}>Publish again</button>
      <${Sure} label="Restart" question="Stop all toys and start again?" yes="Restart" act=${() => act('api/restart', null, 'Restarting')} />
      <a class="button" href="reference">REST reference</a></p></section>
  </div></div></section>`;
}

const Figure = ({ label, value, unit }) => html`<div class="figure"><dt>${label}</dt><dd>${value ?? '–'}${value !== null && value !== undefined && unit && html`<small> ${unit}</small>`}</dd></div>`;
const REASONS = { invalid: 'made no sense', unknown_toy: 'no such toy', offline: 'toy away', quiet: 'quiet was on', limit: 'limit is 0', retained: 'retained', busy: 'busy', timeout: 'no answer in time', backend: 'refused by the toy', unsupported: 'toy cannot do it', stopped: 'overtaken by a stop' };

export function Health() {
  const { info, link } = useStore();
  const [health, setHealth] = useState(null);
  useTick();
  useEffect(() => {
    const look = () => ask('api/health').then(setHealth, () => {});
    look();
    const timer = setInterval(look, 3000);
    return () => clearInterval(timer);
  }, [link]);
  if (!info || !health) return null;
  const rejected = Object.entries(health.rejected);
  const level = (event) => act('api/log_level', { level: event.target.value }, 'Log level changed');
  return html`<section aria-label="Health"><div class="columns"><div>
    <section class="card"><h3>From request to outcome</h3><dl class="figures">
      <${Figure} label="Median" value=${health.latency_ms.p50} unit="ms" /><${Figure} label="95 of 100 within" value=${health.latency_ms.p95} unit="ms" />
      <${Figure} label="99 of 100 within" value=${health.latency_ms.p99} unit="ms" /></dl></section>
    <section class="card"><h3>Requests</h3><dl class="figures"><${Figure} label="Accepted" value=${health.accepted} /><${Figure} label="Without effect" value=${rejected.reduce((sum, [, count]) => sum + count, 0)} /></dl>
      ${rejected.length > 0 && html`<table><thead><tr><th>Why</th><th class="number">How often</th></tr></thead><tbody>${rejected.map(([code, count]) => html`<tr key=${code}><td>${REASONS[code] ?? code}</td><td class="number">${count}</td></tr>`)}</tbody></table>`}</section>
    <section class="card"><h3>Messages</h3><dl class="figures"><${Figure} label="Received" value=${health.received} /><${Figure} label="Published" value=${health.published} /><${Figure} label="Given up" value=${health.dropped} /></dl></section>
  </div><div>
    <section class="card"><h3>Links</h3><div class="scroll" tabindex="0" role="region" aria-label="Links"><table><thead><tr><th>Link</th><th>State</th><th>Since</th><th class="number">Failed attempts</th></tr></thead><tbody>
      <tr><td>Broker</td><td>${info.broker.connected ? 'connected' : 'not connected'}</td><td></td><td class="number"></td></tr>
      ${Object.entries(info.backends).map(([id, one]) => html`<tr key=${id}><td>${one.label}</td><td>${SAYS[one.state]}</td><td>${one.since ? ago(Date.parse(one.since)) : ''}</td><td class="number">${one.attempts}</td></tr>`)}</tbody></table></div>
      ${info.last_error && html`<p class="note">Last error: ${info.last_error}</p>`}</section>
    <section class="card"><h3>Program</h3><dl class="figures"><${Figure} label="Version" value=${info.version} /><${Figure} label="Up for" value=${span(health.uptime_s)} />
      <${Figure} label="Memory" value=${health.rss_kib && Math.round(health.rss_kib / 102.4) / 10} unit="MiB" /><${Figure} label="Instance" value=${info.instance} /></dl>
      <div class="field"><label for="log-level">Log level</label><select id="log-level" value=${info.log_level} onChange=${level}>${['error', 'warn', 'info', 'debug', 'trace'].map((one) => html`<option key=${one} value=${one}>${one}</option>`)}</select>
        <${Copy} topic="bridge/request/log_level" payload=${() => ({ level: info.log_level })} name="log level" /></div>
      <p class="note">For Prometheus: <a href="api/metrics">metrics</a>. For whoever watches the process: <a href="healthz">healthz</a>, <a href="readyz">readyz</a>.</p></section>
  </div></div></section>`;
}
