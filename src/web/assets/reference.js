// Reads the OpenAPI document to people, and tries what it describes.
import { html, render, useState } from './vendor/preact.js';
import { StopAll } from './widgets.js';

const shape = (schema, all, depth = 0) => {
  if (!schema) return '';
  if (schema.$ref) { const name = schema.$ref.split('/').pop(); return depth > 0 ? name : shape(all[name], all, 1); }
  if (schema.oneOf || schema.anyOf) return (schema.oneOf ?? schema.anyOf).map((one) => shape(one, all, depth)).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(' | ');
  if (schema.type === 'array') return `[${shape(schema.items, all, depth + 1)}]`;
  if (schema.properties) {
    const keys = Object.entries(schema.properties).map(([key, own]) => `${'  '.repeat(depth)}${key}${schema.required?.includes(key) ? '' : '?'}: ${shape(own, all, depth + 1)}`);
    return `{\n${keys.join('\n')}\n${'  '.repeat(Math.max(0, depth - 1))}}`;
  }
  return [schema.type ?? 'anything'].flat().join(' | ');
};

function Operation({ path, method, one, schemas }) {
  const names = one.parameters.filter((parameter) => parameter.in === 'path');
  const [values, setValues] = useState({});
  const content = one.requestBody?.content['application/json'];
  const [body, setBody] = useState(content ? JSON.stringify(content.example) : '');
  const [answer, setAnswer] = useState(null);
  const [kind, answers] = Object.entries(one.responses['200'].content)[0];
  const real = path.replace(/\{(\w+)\}/g, (whole, name) => encodeURIComponent(values[name] ?? whole)).slice(1);
  const attempt = async (event) => {
    event.preventDefault();
    const options = method === 'post' ? { method: 'POST', headers: { 'x-toy2mqtt': '1' }, body } : {};
    try {
      const got = await fetch(real, options);
      const text = await got.text();
      let shown = text;
      try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* no JSON */ }
      setAnswer(`${got.status}\n${shown}`);
    } catch { setAnswer('no answer'); }
  };
  return html`<details class="card" id=${one.operationId}><summary><code>${method.toUpperCase()} ${path}</code> <span class="note">${one.summary}</span></summary>
    ${one.description && html`<p>${one.description}</p>`}
    ${content && html`<p class="note">Takes</p><pre tabindex="0">${shape(content.schema, schemas)}</pre>`}
    <p class="note">Answers</p><pre tabindex="0">${kind === 'application/json' ? shape(answers.schema, schemas) : kind}</pre>
    <p class="note">Refuses with ${Object.entries(one.responses).filter(([status]) => status >= '300').map(([status, why]) => `${status} (${why.description})`).join('; ') || 'nothing'}.</p>
    ${kind !== 'text/event-stream' && html`<form onSubmit=${attempt}>
      ${names.map(({ name, description }) => html`<div class="field" key=${name}><label for=${`${one.operationId}-${name}`}>${name}</label><input type="text" id=${`${one.operationId}-${name}`} required placeholder=${description} onInput=${(event) => setValues({ ...values, [name]: event.target.value })} /></div>`)}
      ${method === 'post' && html`<div class="field"><label for=${`${one.operationId}-body`}>body</label><input type="text" id=${`${one.operationId}-body`} value=${body} onInput=${(event) => setBody(event.target.value)} /></div>`}
      <p class="buttons"><button>Try it</button></p></form>`}
    <div aria-live="polite">${answer && html`<pre tabindex="0">${answer}</pre>`}</div></details>`;
}

function Reference({ document: told }) {
  const operations = Object.entries(told.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, one]) => ({ path, method, one })));
  const tags = [...new Set(operations.map(({ one }) => one.tags[0]))];
  return html`<header class="top"><div class="bar"><a class="brand" href="./"><img src="icon.svg" alt="" width="28" height="28" /><span>Panel</span></a><div class="always"><${StopAll} /></div></div></header><main><h1>REST</h1><p class="note">${told.info.description}</p>
    <p class="note">For programs: <a href="api/openapi.json">openapi.json</a> (OpenAPI ${told.openapi}).</p>
    ${tags.map((tag) => html`<section key=${tag} class="tag"><h2>${tag}</h2><div class="stack">${operations.filter(({ one }) => one.tags[0] === tag).map((each) => html`<${Operation} key=${each.one.operationId} ...${each} schemas=${told.components.schemas} />`)}</div></section>`)}</main>`;
}

const answer = await fetch('api/openapi.json');
render(html`<${Reference} document=${await answer.json()} />`, document.getElementById('app'));
