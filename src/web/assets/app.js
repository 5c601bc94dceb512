// The frame around all screens: what is always there.
import { html, render, useEffect, useRef, useState } from './vendor/preact.js';
import { ask, connect, endQuiet, keepQuiet, quiet as askQuiet, state, useStore } from './store.js';
import { ago, CopyByHand, Icon, StopAll, useTick } from './widgets.js';
import { Now } from './now.js';
import { Toy } from './toy.js';
import { Activity } from './activity.js';
import { Health, Setup } from './bridge.js';

const SCREENS = [['', 'Now', 'now', Now], ['activity', 'Activity', 'activity', Activity], ['setup', 'Set-up', 'setup', Setup], ['health', 'Health', 'health', Health]];

function useRoute() {
  const read = () => location.hash.replace(/^#\/?/, '').split('/');
  const [route, setRoute] = useState(read);
  useEffect(() => {
    const go = () => { setRoute(read()); scrollTo(0, 0); };
    addEventListener('hashchange', go);
    return () => removeEventListener('hashchange', go);
  }, []);
  return route;
}

/** The second touch that ends Quiet. */
function EndQuiet() {
  const { asked, info } = useStore();
  const keep = useRef(null);
  useEffect(() => { keep.current?.focus(); }, [!!asked]);
  if (!asked || !info?.quiet) return null;
  return html`<div class="banner calm" id="end-quiet" role="alertdialog" aria-label="End Quiet"><span>End Quiet? Toys obey again then.</span>
    <span class="buttons"><button ref=${keep} onClick=${keepQuiet}>Keep Quiet</button>
      <button class="danger" disabled=${!asked.ready} onClick=${endQuiet}>End Quiet</button></span></div>`;
}

function Link() {
  const { link, lostAt, stopping } = useStore();
  useTick();
  if (link === 'lost') return html`<p class="banner bad" role="alert" id="lost">The bridge cannot be reached. What you see is ${lostAt ? ago(lostAt) : 'a while'} old. ${stopping ? 'The stop is sent as soon as it is back.' : 'Stop all keeps trying.'}</p>`;
  return null;
}

function Login() {
  const [wrong, setWrong] = useState(null);
  const enter = async (event) => {
    event.preventDefault();
    try {
      await ask('api/login', { body: { token: event.target.elements.token.value } });
      state.link = 'connecting';
      connect();
    } catch (error) {
      setWrong(error.status === 401 ? 'That is not the token.' : error.message);
    }
  };
  return html`<main class="login"><form class="card" onSubmit=${enter}><h1>toy2mqtt</h1><p class="note">The token is <code>web.token</code> in the settings.</p>
    <label for="token">Token</label><input id="token" name="token" type="password" autocomplete="current-password" required autofocus />
    ${wrong && html`<p class="error" role="alert">${wrong}</p>`}<button class="primary">Log in</button></form></main>`;
}

function App() {
  const store = useStore();
  const [screen, id] = useRoute();
  if (store.link === 'locked') return html`<${Login} />`;
  const Screen = SCREENS.find(([path]) => path === screen)?.[3] ?? Now;
  const quiet = store.info?.quiet;
  return html`<a class="skip" href="#main" onClick=${(event) => { event.preventDefault(); document.getElementById('main').focus(); }}>Skip to content</a>
    <header class="top"><div class="bar">
      <a class="brand" href="#/" aria-label="toy2mqtt"><img src="icon.svg" alt="" width="28" height="28" /><span>toy2mqtt</span></a>
      <nav aria-label="Screens">${SCREENS.map(([path, name, icon]) => html`<a key=${path} href=${`#/${path}`} aria-current=${(path === screen || (path === '' && screen === 'toy')) ? 'page' : null}><${Icon} name=${icon} /><span>${name}</span></a>`)}</nav>
      <div class="always"><button class="quiet-switch" role="switch" aria-checked=${String(!!quiet)} title="Quiet: stop everything and refuse every request but stop" onClick=${() => askQuiet(!quiet)}><${Icon} name="moon" /><span>${quiet ? 'Quiet is on' : 'Quiet'}</span></button>
        <${StopAll} /></div></div>
      <${EndQuiet} /><${Link} /></header>
    <main id="main" tabindex="-1"><h1 class="hidden">${SCREENS.find(([path]) => path === screen)?.[1] ?? 'Toy'}</h1>
      ${!store.info && store.link !== 'lost' && html`<p class="note center" role="status">Connecting…</p>`}
      ${screen === 'toy' ? html`<${Toy} key=${id} id=${id} />` : html`<${Screen} />`}</main>
    <div class="toasts" role="status" aria-live="polite">${store.toasts.map((one) => html`<p key=${one.id} class=${one.kind}>${one.text}</p>`)}</div>
    <${CopyByHand} />`;
}

connect();
render(html`<${App} />`, document.getElementById('app'));
