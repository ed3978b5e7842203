/* The demo shop: a plain page as a company would write it, with the browser tag in it. */
"use strict";

// The snippet, as docs/journey.md has it. The token comes from the page's own server, here the console itself.
window.cjaas = window.cjaas || function () { (cjaas.q = cjaas.q || []).push(arguments); };
cjaas.scriptURL = location.origin + "/cj.js";
cjaas.baseURL = location.origin;
document.head.appendChild(Object.assign(document.createElement("script"), { src: cjaas.scriptURL, async: true, onload: showWho }));
cjaas("option", "SOURCE", "demo-shop");
cjaas("option", "TOKEN_URL", "/demo/shop/token");
cjaas("option", "PAGE_TRACK", true);
cjaas("listen_all", "[data-help]", "help.opened", "click", ["data-help"]);
cjaas("init");

const BASE = "/demo/shop";
const STEPS = [["address", "Address"], ["delivery", "Delivery"], ["payment", "Payment"]];
const HELP = {
  delivery: "Within three days, to your door. An electrician calls you first for wall boxes.",
  returns: "Within 30 days, at our cost.",
};
const main = document.getElementById("main");
let products = [];
let cart = JSON.parse(sessionStorage.getItem("cart") || "{}");

const find = (id) => products.find((one) => one.id === id);
const lines = () => Object.entries(cart).filter(([id]) => find(id)).map(([id, count]) => ({ ...find(id), count }));
const total = () => lines().reduce((sum, one) => sum + one.price * one.count, 0);
const items = () => lines().reduce((sum, one) => sum + one.count, 0);
const money = (euros) => `€ ${euros}`;

function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  Object.entries(attributes || {}).forEach(([name, value]) => node.setAttribute(name, value));
  node.append(...children);
  return node;
}

function showWho() {
  const who = cjaas("person");
  if (!who) return;
  document.getElementById("who").textContent = "You are " + who;
  document.getElementById("watch").href = "/live?identity=" + encodeURIComponent(who);
}

function keepCart() {
  sessionStorage.setItem("cart", JSON.stringify(cart));
  document.getElementById("count").textContent = items();
}

function go(path) {
  history.pushState(null, "", path);
  show();
  main.focus();
}

function change(id, by) {
  const product = find(id);
  cart[id] = (cart[id] || 0) + by;
  if (cart[id] <= 0) delete cart[id];
  keepCart();
  cjaas("track", by > 0 ? "cart.added" : "cart.removed", { product: product.name, price: product.price, items: items(), total: total() });
}

function showProducts() {
  const list = make("ul", { class: "grid" });
  products.forEach((one) => {
    const add = make("button", { type: "button", "aria-label": `Add ${one.name} to the cart` }, "Add");
    add.onclick = () => change(one.id, 1);
    list.append(make("li", { class: "card" },
      make("h2", {}, make("a", { href: `${BASE}/product/${one.id}`, "data-go": "" }, one.name)),
      make("p", {}, one.about),
      make("div", { class: "row" }, make("span", { class: "price" }, money(one.price)), add)));
  });
  return ["Products", list];
}

function showProduct(id) {
  const one = find(id);
  if (!one) return showProducts();
  cjaas("track", "product.viewed", { product: one.name, price: one.price, group: one.group });
  const add = make("button", { type: "button" }, "Add to the cart");
  add.onclick = () => change(one.id, 1);
  return [one.name, make("p", {}, one.about), make("p", { class: "price" }, money(one.price)), add];
}

function showCart() {
  if (!items()) return ["Cart", make("p", {}, "There is nothing in it yet.")];
  const body = make("tbody");
  lines().forEach((one) => {
    const less = make("button", { type: "button", class: "plain", "aria-label": `Take ${one.name} out` }, "Take out");
    less.onclick = () => { change(one.id, -1); show(); };
    body.append(make("tr", {}, make("td", {}, `${one.count} × ${one.name}`), make("td", { class: "price" }, money(one.price * one.count)), make("td", {}, less)));
  });
  const head = make("thead", {}, make("tr", {}, ...["Product", "Price", "Change"].map((word) => make("th", { scope: "col" }, word))));
  return ["Cart", make("table", {}, head, body), make("p", { class: "price" }, `Together ${money(total())}`),
    make("a", { class: "button", href: `${BASE}/checkout/address`, "data-go": "" }, "To the checkout")];
}

function field(label, name, attributes, hint) {
  const input = make("input", { name, id: name, required: "", ...attributes });
  return make("label", { for: name }, label, input, ...(hint ? [make("span", { class: "hint" }, hint)] : []));
}

const FIELDS = {
  address: () => [
    field("E-mail", "email", { type: "email", value: document.body.dataset.customer, autocomplete: "off" },
      "This is a customer of the demo. From here on the desk knows who you are."),
    field("Street", "street", { value: "Harbour Road 7", autocomplete: "off" }),
  ],
  delivery: () => [make("label", { for: "way" }, "How", make("select", { name: "way", id: "way" },
    make("option", { value: "home" }, "To the door, 3 days"), make("option", { value: "branch" }, "To the branch, tomorrow")))],
  payment: () => [make("p", { class: "hint" }, "Nothing is paid here.")],
};

function showCheckout(name) {
  const at = STEPS.findIndex(([step]) => step === name);
  if (at < 0) return showCart();
  cjaas("track", "checkout.entered", { step: at + 1, name, total: total(), items: items() });
  const steps = STEPS.map(([step, word]) => make("li", step === name ? { "aria-current": "step" } : {}, word));
  const form = make("form", {}, ...FIELDS[name](), make("button", {}, at === 2 ? "Order" : "Go on"));
  form.onsubmit = (event) => {
    event.preventDefault();
    const given = new FormData(form);
    if (name === "address") {
      cjaas("identify", given.get("email"));
      showWho();
    }
    if (at < 2) return go(`${BASE}/checkout/${STEPS[at + 1][0]}`);
    cjaas("track", "order.placed", { order: "N-" + Date.now().toString().slice(-6), total: total(), items: items() });
    cart = {};
    keepCart();
    return go(`${BASE}/thanks`);
  };
  return [`Checkout: ${STEPS[at][1].toLowerCase()}`, make("ol", { class: "steps" }, ...steps), form];
}

function show() {
  const [, page, detail] = location.pathname.slice(BASE.length).split("/");
  const views = {
    product: () => showProduct(detail), cart: showCart, checkout: () => showCheckout(detail),
    thanks: () => ["Thank you", make("p", {}, "Your order is on its way, in the demo world.")],
  };
  const [title, ...parts] = (views[page] || showProducts)();
  document.title = `${title} · Northwind shop`;
  main.replaceChildren(make("h1", {}, title), ...parts);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-go]");
  if (link) {
    event.preventDefault();
    go(link.getAttribute("href"));
  }
  const help = event.target.closest("[data-help]");
  if (help) document.getElementById("help").textContent = HELP[help.dataset.help];
});
addEventListener("popstate", show);

fetch(`${BASE}/products.json`).then((answer) => answer.json()).then((found) => {
  products = found;
  keepCart();
  show();
});
