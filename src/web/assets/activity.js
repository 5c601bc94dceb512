// Activity: what happened, and the log.
import { html, useState } from './vendor/preact.js';
import { useStore } from './store.js';
import { clock, Empty, outcomeText } from './widgets.js';

const KINDS = [['event', 'Events'], ['gesture', 'Buttons and gestures'], ['request', 'Requests'], ['outcome', 'Results'], ['log', 'Log']];
const EVENTS = {
  toy_added: 'is there', toy_removed: 'is away', backend_up: 'answers', backend_down: 'does not answer',
  safety_stop: 'was stopped for safety', stop: 'stop', quiet: 'quiet', button_down: 'button down', button_up: 'button up',
  button_pressed: 'button pressed', shake: 'shaken', command_rejected: 'a command was refused',
};

function words(entry, toys) {
  const { event } = entry;
  if (entry.kind === 'outcome') return outcomeText(event);
  const subject = event.backend ?? '';
  const word = EVENTS[event.event_type] ?? event.event_type?.replaceAll('_', ' ');
  const more = [event.reason?.replaceAll?.('_', ' '), event.button && `no. ${event.button}`, event.on !== undefined && (event.on ? 'on' : 'off')];
  return [subject, word, ...more].filter(Boolean).join(' ');
}

async function download() {
  const answer = await fetch('api/diagnostics');
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await answer.blob());
  link.download = 'toy2mqtt-diagnostics.json';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export function Activity() {
  const { info, toys, activity, log } = useStore();
  const [hidden, setHidden] = useState(new Set());
  const [toy, setToy] = useState('');
  const [paused, setPaused] = useState(null);
  if (!info) return null;
  const lines = log.map((line) => ({ at: line.at, kind: 'log', by: line.level, toy: null, text: line.text, bad: ['warn', 'error'].includes(line.level) }));
  const happened = activity.map((entry) => ({ ...entry, text: words(entry), bad: entry.event.ok === false }));
  const all = paused ?? [...happened, ...lines].sort((a, b) => b.at - a.at).slice(0, 400);
  const shown = all.filter((entry) => !hidden.has(entry.kind) && (!toy || entry.toy === toy));
  const flip = (kind) => { const next = new Set(hidden); if (!next.delete(kind)) next.add(kind); setHidden(next); };
  const name = (id) => toys.get(id)?.name ?? id;
  return html`<section aria-label="Activity">
    <div class="toolbar"><div class="chips" role="group" aria-label="What to show">${KINDS.map(([kind, label]) => html`<button key=${kind} class="chip" aria-pressed=${String(!hidden.has(kind))} onClick=${() => flip(kind)}>${label}</button>`)}</div>
      <label class="hidden" for="which">Toy</label>
      <select id="which" value=${toy} onChange=${(event) => setToy(event.target.value)}><option value="">All toys</option>${[...toys.values()].map((one) => html`<option key=${one.id} value=${one.id}>${one.name}</option>`)}</select>
      <button aria-pressed=${String(!!paused)} onClick=${() => setPaused(paused ? null : all)}>${paused ? 'Go on' : 'Pause'}</button>
      <button onClick=${download}>Diagnostics</button></div>
    <p class="note">Diagnostics hold no passwords or tokens, so that they can go into a report.</p>
    ${shown.length === 0 ? html`<${Empty} title="Nothing yet"><p>Whatever happens shows up here.</p></${Empty}>` : html`<ol class="feed">${shown.map((entry, index) => html`
      <li key=${`${entry.at}-${entry.kind}-${index}`} class=${entry.bad ? 'bad' : ''}><time>${clock(entry.at)}</time>
        <span class="kind">${entry.kind === 'log' ? entry.by : entry.kind === 'outcome' ? 'result' : entry.kind}</span>
        <span class="what">${entry.toy && html`<a href=${`#/toy/${entry.toy}`}>${name(entry.toy)}</a>${' '}`}${entry.text}${entry.kind !== 'log' && entry.by && html`<small> by ${entry.by}</small>`}</span></li>`)}</ol>`}
  </section>`;
}
