// Toy: everything about one toy.
import { html, useEffect, useState } from './vendor/preact.js';
import { act, ask, copy, useStore } from './store.js';
import { clock, Copy, Dot, Empty, Icon, limitOf, outcomeText, outputName, Sure } from './widgets.js';
import { facts, mood, outputLevels, Patterns, Reasons, Stop } from './now.js';

function Limit({ toy, label, value, put, topic, payload }) {
  const [held, setHeld] = useState(null);
  const shown = held ?? value;
  const change = async (event) => { await put(Number(event.target.value)); setHeld(null); };
  return html`<div class="field"><label for=${`limit-${label}`}>${label}</label>
    <input id=${`limit-${label}`} type="number" inputmode="decimal" min="0" max="100" value=${shown}
      onInput=${(event) => setHeld(event.target.value)} onChange=${change} /><span class="unit">%</span>
    <${Copy} topic=${topic} payload=${() => payload(Number(shown))} name=${label} /></div>`;
}

function Limits({ toy }) {
  const put = (body) => act(`api/toys/${toy.id}/limits`, body, 'Limit kept');
  const topic = 'bridge/request/limits';
  return html`<section class="card"><h3>Limits</h3><p class="note">No request goes above them, wherever it comes from. They are kept.</p>
    <${Limit} toy=${toy} label="All outputs" value=${toy.state.limit} put=${(max) => put({ max })}
      topic=${topic} payload=${(max) => ({ toy: toy.id, max })} />
    ${toy.outputs.length > 1 && toy.outputs.filter((output) => limitOf(output) === output.limit).map((output) => html`<${Limit} key=${output.key} toy=${toy} label=${outputName(output)} value=${output.limit}
      put=${(limit) => put({ outputs: { [output.key]: limit >= toy.state.limit ? null : limit } })}
      topic=${topic} payload=${(limit) => ({ toy: toy.id, outputs: { [output.key]: limit } })} />`)}</section>`;
}

function Rename({ toy }) {
  const [name, setName] = useState(null);
  const put = async (event) => {
    event.preventDefault();
    const text = (name ?? toy.name).trim();
    if (await act(`api/toys/${toy.id}/rename`, { name: text || null }, 'Renamed')) setName(null);
  };
  return html`<form class="field" onSubmit=${put}><label for="name">Name</label>
    <input id="name" type="text" maxlength="64" value=${name ?? toy.name} onInput=${(event) => setName(event.target.value)} autocomplete="off" />
    <button disabled=${name === null || name === toy.name}>Rename</button>
    <${Copy} topic="bridge/request/rename" payload=${() => ({ toy: toy.id, name: name ?? toy.name })} name="renaming" /></form>`;
}

function Outcomes({ list }) {
  if (!list?.length) return html`<p class="note">Nobody has asked anything of it since the bridge started.</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Last requests"><table>
    <thead><tr><th>When</th><th>Who</th><th>What came of it</th><th class="number">Took</th></tr></thead>
    <tbody>${list.map((one) => html`<tr class=${one.result.ok ? '' : 'bad'}><td>${clock(one.at)}</td><td>${one.by}</td>
      <td>${outcomeText(one.result)}</td><td class="number">${one.result.latency_ms} ms</td></tr>`)}</tbody></table></div>`;
}

const Raw = ({ title, value }) => html`<details class="card"><summary>${title}</summary>
  <p><button onClick=${() => copy(JSON.stringify(value, null, 2), title)}><${Icon} name="copy" />Copy</button></p>
  <pre tabindex="0">${JSON.stringify(value, null, 2)}</pre></details>`;

export function Toy({ id }) {
  const { info, toys, activity } = useStore();
  const [full, setFull] = useState(null);
  const toy = toys.get(id);
  const mine = activity.filter((entry) => entry.toy === id && entry.kind === 'outcome');
  const news = mine.length ? mine[mine.length - 1].at : 0;
  useEffect(() => {
    let here = true;
    const timer = setTimeout(() => ask(`api/toys/${id}`).then((got) => here && setFull(got), () => {}), full ? 400 : 0);
    return () => { here = false; clearTimeout(timer); };
  }, [id, news, toy?.name]);
  if (!info) return null;
  if (!toy) return html`<${Empty} title="This toy is not known"><p>It was forgotten, or never seen. <a href="#/">Back to all toys</a></p></${Empty}>`;
  const away = !toy.state.available;
  const [kind, label] = mood(toy);
  const more = [['Maker', toy.manufacturer], ['Model', toy.model], ['Firmware', toy.firmware], ['Id', toy.id],
    ['Outputs', toy.outputs.map((one) => `${outputName(one)} (${one.steps} steps${one.signed ? ', both ways' : ''})`).join(', ')],
    ['Inputs', toy.inputs.join(', ')], ['Fastest rise', toy.slope && `${toy.slope} % per second`]].filter(([, value]) => value);
  return html`<section class="toy" aria-label=${toy.name}>
    <p><a class="back" href="#/"><${Icon} name="back" />All toys</a></p>
    <div class="columns"><div>
      <article class="card ${kind === 'run' ? 'running' : ''}">
        <header><${Dot} kind=${kind} label=${label} /><h2>${toy.name}</h2><span class="facts">${facts(toy)}</span></header>
        <div class="levels">${outputLevels(toy, { copy: true, disabled: info.quiet })}</div>
        <footer><${Patterns} toy=${toy} disabled=${away || info.quiet} />
          <${Copy} topic=${`${id}/effect/set`} payload=${() => toy.target.effect ?? 'Off'} name="pattern" />
          <${Stop} toy=${toy} />
          <${Copy} topic=${`${id}/stop`} payload=${() => 'stop'} name="stop" /></footer>
        <${Reasons} toy=${toy} />
      </article>
      <${Limits} toy=${toy} />
    </div><div>
      <section class="card"><h3>Last requests</h3><${Outcomes} list=${full?.outcomes} /></section>
      <section class="card"><h3>This toy</h3><dl>${more.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
        <${Rename} toy=${toy} />
        <p class="buttons"><button disabled=${away || info.quiet} onClick=${() => act(`api/toys/${id}/identify`, null, 'Two gentle pulses')}>Identify</button>
          <${Copy} topic=${`${id}/identify`} payload=${() => 'x'} name="identify" />
          <button onClick=${() => act('api/republish', null, 'Everything is published again')}>Publish again</button>
          <${Copy} topic="bridge/request/republish" payload=${() => ({})} name="publishing again" />
          <${Sure} label="Forget" question="Drop its name and limits?" yes="Forget" disabled=${!away}
            act=${async () => { if (await act(`api/toys/${id}/forget`, null, 'Forgotten')) location.hash = '#/'; }} />
          <${Copy} topic="bridge/request/forget" payload=${() => ({ toy: id })} name="forgetting" /></p>
        ${!away && html`<p class="note">It can be forgotten while it is away.</p>`}</section>
      <${Raw} title="State" value=${toy.state} />
      ${full?.discovery && html`<${Raw} title="Discovery for Home Assistant" value=${full.discovery} />`}
    </div></div></section>`;
}
