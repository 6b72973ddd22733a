// Keeps the page that the server has drawn up to date: bars and times by the clock, all else by what the server
// sends. Without it the page is the same, only still.
'use strict';

const page = document.body;
const rows = document.getElementById('rows');
let ahead = Number(page.dataset.now) - Date.now(); // of the server's clock before ours
const now = () => Date.now() + ahead;

// span has the rules of Span in internal/standing.
function span(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 0) return '0 s';
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) {
    const minutes = Math.floor(seconds / 60) % 60;
    return `${Math.floor(seconds / 3600)} h${minutes > 0 ? ` ${minutes} min` : ''}`;
  }
  return `${Math.floor(seconds / 86400)} days`;
}

// --- between updates: the clock ---------------------------------------------------

// put touches the document only where something changes.
const put = (node, text) => { if (node.textContent !== text) node.textContent = text; };
const set = (node, name, value) => { if (node.getAttribute(name) !== value) node.setAttribute(name, value); };

function tick() {
  const at = now();
  for (const node of document.querySelectorAll('time[data-until]')) put(node, span(Date.parse(node.dateTime) - at));
  for (const node of document.querySelectorAll('time[data-ago]')) put(node, span(at - Date.parse(node.dateTime)));
  for (const node of document.querySelectorAll('time[data-seen]')) {
    const passed = at - Date.parse(node.dateTime);
    put(node, passed < 120000 ? 'just now' : `${span(passed)} ago`);
  }
  for (const bar of document.querySelectorAll('svg[data-end]')) {
    const left = Math.max(0, bar.dataset.end - at);
    set(bar.querySelector('.fill'), 'width', `${Math.min(100, 100 * left / bar.dataset.life).toFixed(1)}%`);
    set(bar, 'aria-label', `${span(left)} of ${bar.dataset.of} left`);
  }
}

document.addEventListener('pointerover', ({ target }) => {
  if (target.localName === 'time') target.title = `${target.dateTime.slice(0, 19).replace('T', ' ')} UTC`;
});

// --- what the server sends --------------------------------------------------------

function element(html) {
  const template = document.createElement('template');
  template.innerHTML = html; // of page.html, in which the server has escaped what is not its own
  return template.content.firstElementChild;
}

// replace puts a fragment in its place, and leaves open what was open.
function replace(id, html) {
  const next = element(html);
  const old = document.getElementById(id);
  if (!old) {
    if (next.matches('.row')) rows.append(next);
    return;
  }
  for (const open of old.querySelectorAll('details[open]')) {
    const same = next.querySelector(`#${CSS.escape(open.id)}`);
    if (same) same.open = true;
  }
  old.replaceWith(next);
}

function arrange(ids) {
  const wanted = new Set(ids);
  for (const row of [...rows.children]) if (!wanted.has(row.id)) row.remove();
  let place = rows.firstElementChild;
  for (const id of ids) {
    const row = document.getElementById(id);
    if (!row) continue;
    if (row === place) place = place.nextElementSibling;
    else rows.insertBefore(row, place);
  }
}

// focusKept has the keyboard stay where it is, whatever is replaced and moved: by the nth thing within the
// element of the same id that can have it.
function focusKept(change) {
  const focused = document.activeElement;
  const home = focused?.closest('[id]');
  const reachable = (within) => [within, ...within.querySelectorAll('a, summary, button, input, [tabindex]')];
  const index = home ? reachable(home).indexOf(focused) : -1;
  change();
  if (index < 0 || document.activeElement === focused && focused.isConnected) return;
  const again = document.getElementById(home.id);
  if (again) (reachable(again)[index] ?? again).focus({ preventScroll: true });
}

let said = null;

function update(message) {
  const news = JSON.parse(message);
  if (!news.look.split('.')[0].endsWith(page.dataset.assets)) { // another version of this page
    location.reload();
    return;
  }
  page.dataset.look = news.look;
  ahead = news.now - Date.now();
  focusKept(() => {
    for (const [id, html] of Object.entries(news.html)) replace(id, html);
    if (news.order) arrange(news.order);
  });
  put(document.querySelector('title'), news.title);
  for (const node of document.querySelectorAll('[data-count]')) {
    const count = news.count[node.dataset.count] ?? 0;
    put(node, String(count));
    node.closest('label').toggleAttribute('data-empty', count === 0);
  }
  if (said !== null && said !== news.say) put(document.getElementById('say'), news.say); // not what was there at first
  said = news.say;
  if (news.order || Object.keys(news.html).length > 0) filter();
}

// --- the stream -------------------------------------------------------------------

const silence = 10000; // the server says something every 3 s
const away = 60000; // a page that nobody sees gives up its stream: a browser has six for each host
let stream, heard = Date.now(), again;

function listen() {
  clearTimeout(again);
  stream?.close();
  stream = new EventSource(`/api/events?look=${encodeURIComponent(page.dataset.look)}`);
  stream.onmessage = (event) => {
    heard = Date.now();
    show('live', 'live');
    update(event.data);
  };
  stream.onerror = () => {
    if (stream.readyState === EventSource.CLOSED) again = setTimeout(listen, 5000); // else it tries again by itself
  };
}

function show(state, words) {
  const live = document.getElementById('live');
  live.dataset.state = state;
  page.dataset.live = state; // for the headline, which may say that all is well
  put(live.querySelector('.words'), words);
}

function watch() {
  if (document.hidden || Date.now() - heard < silence) return;
  show('lost', `not live: this is from ${span(Date.now() - heard)} ago`);
  put(document.querySelector('title'), '(?) not live · onetoken');
  if (stream.readyState === EventSource.OPEN) listen(); // it only seems to be there
}

let leaving;
document.addEventListener('visibilitychange', () => {
  clearTimeout(leaving);
  if (document.hidden) leaving = setTimeout(() => { clearTimeout(again); stream.close(); }, away);
  else if (stream.readyState === EventSource.CLOSED) listen();
});

// --- the filter -------------------------------------------------------------------

const form = document.getElementById('filter');

function filter() {
  const words = form.q.value.toLowerCase().split(/\s+/).filter(Boolean);
  const group = form.show.value;
  let shown = 0;
  for (const row of rows.children) {
    row.hidden = (group !== '' && row.dataset.group !== group) || !words.every((word) => row.dataset.words.includes(word));
    if (!row.hidden) shown++;
  }
  const all = rows.children.length;
  rows.classList.toggle('blank', shown === 0);
  put(document.getElementById('shown'), all === 0 ? 'The configuration has no credential.' : shown === all ? '' : shown === 0 ? 'No credential is like that.' : `${shown} of ${all} shown`);
}

// remember has the address tell the filter, for a reload and for others.
function remember() {
  const query = new URLSearchParams();
  if (form.q.value) query.set('q', form.q.value);
  if (form.show.value) query.set('show', form.show.value);
  history.replaceState(null, '', `${location.pathname}${query.size ? `?${query}` : ''}${location.hash}`);
}

form.addEventListener('input', () => { filter(); remember(); });
form.addEventListener('submit', (event) => event.preventDefault());

// A link to a credential that the filter hides shows it.
document.addEventListener('click', (event) => {
  const link = event.target.closest('a[href^="#c-"]');
  if (!link || !document.getElementById(decodeURIComponent(link.hash.slice(1)))?.hidden) return;
  form.reset();
  form.q.value = '';
  form.show.value = '';
  filter();
  remember();
});

// What the server has drawn is of this moment, and by the address's filter. A browser that loads the page again may
// have kept another.
if (form.q.value !== form.q.defaultValue || [...form.show].some((choice) => choice.checked !== choice.defaultChecked)) filter();
setInterval(() => { tick(); watch(); }, 1000);
listen();
