"use strict";

const COOKIE = "agentserver-token";
const SCHEME = "sessionCookie";
const MASK = "•••";
const base = new URL(".", location.href); // also behind a path prefix
const place = path => new URL(path, base).href;

const panel = document.querySelector(".account");
const form = document.querySelector("#sign-in");
const shown = document.querySelector("#account");
const signOut = document.querySelector("#sign-out");

const examples = {}; // of the contract's parameters, by name
let spec, ui;
let login = null; // what was typed here last to sign in: {email, password}
let account = null; // whose session the browser or Authorize has

// A token that was pasted under Authorize. Scripts may not set the header Cookie, so the token becomes a cookie for the
// one path that is called: the browser sends it before the session's own, and it is gone after the response.
const pasted = () => ui.getState().getIn(["auth", "authorized", SCHEME, "value"], "").trim();

function keep(url, token, seconds) {
  const path = new URL(url, base).pathname;
  if (token && !/[;\s]/.test(token)) {
    document.cookie = `${COOKIE}=${token}; Path=${path}; Max-Age=${seconds}; SameSite=Strict`;
  }
}

async function call(path, options) {
  const url = place(path);
  keep(url, pasted(), 60);
  try {
    return await fetch(url, options);
  } finally {
    keep(url, pasted(), 0);
  }
}

function operationOf(method, url) {
  const path = new URL(url, base).pathname.slice(base.pathname.length - 1);
  const same = template => new RegExp(`^${template.replace(/\{[^}]+\}/g, "[^/]+")}$`).test(path);
  const found = Object.keys(spec.paths).find(template => same(template) && spec.paths[template][method.toLowerCase()]);
  return found && spec.paths[found][method.toLowerCase()];
}

const isSecured = (method, url) => Boolean(operationOf(method, url)?.security?.length);

// The commands of curl, as words of a shell. `secret` is how a secret is shown.
const quoted = text => `'${String(text).replaceAll("'", "'\\''")}'`;

function curl(request, secret) {
  const method = request.get("method");
  const url = request.get("url");
  const words = [];
  if (isSecured(method, url)) {
    if (pasted()) {
      words.push("--cookie", quoted(`${COOKIE}=${secret(pasted())}`));
    } else if (login) {
      const body = JSON.stringify({email: login.email, password: secret(login.password)});
      words.push("--cookie", "''", "--output", "/dev/null", "--header", quoted("Content-Type: application/json"));
      words.push("--data-raw", quoted(body), quoted(place("api/auth/login")), "--next", "--silent", "--cookie", "''");
    } else if (account) {
      words.push("--cookie", `"${COOKIE}=$AGENTSERVER_SESSION"`);
    }
  }
  words.push("--request", method);
  request.get("headers")?.forEach((value, name) => {
    const implied = name.toLowerCase() === "cookie" || value === "*/*"; // curl accepts anything by itself
    if (!implied) words.push("--header", quoted(`${name}: ${value}`));
  });
  const body = request.get("body");
  if (body) words.push("--data-raw", quoted(typeof body === "string" ? body : JSON.stringify(body)));
  return ["curl", "--silent", ...words, quoted(url)].join(" ");
}

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.body.appendChild(document.createElement("textarea")); // without https
  area.value = text;
  area.select();
  document.execCommand("copy");
  area.remove();
}

const withOwnCurl = ({React}) => ({
  components: {
    curl: ({request}) => {
      const [copied, setCopied] = React.useState(false);
      const onClick = async () => {
        await copy(curl(request, text => text));
        setCopied(true);
      };
      return React.createElement(
        "div",
        {className: "own-curl curl-command"},
        React.createElement("h4", null, "Curl"),
        React.createElement("pre", {className: "curl", tabIndex: 0}, curl(request, () => MASK)),
        React.createElement("button", {className: "btn", onClick}, copied ? "Copied" : "Copy"),
      );
    },
  },
  statePlugins: {
    auth: {
      wrapActions: Object.fromEntries(
        ["authorize", "logout"].map(name => [
          name,
          original => value => {
            const result = original(value);
            refresh();
            return result;
          },
        ]),
      ),
    },
  },
});

// The examples of ids become those of the caller's own account and first workspace.
async function refresh() {
  const me = await call("api/auth/me");
  account = me.ok ? await me.json() : null;
  if (!account) login = null;
  panel.toggleAttribute("data-signed-in", Boolean(account));
  signOut.hidden = !account;
  shown.value = account ? `Signed in as ${account.email}.` : "Not signed in.";
  const listed = account ? await (await call("api/workspaces")).json() : [];
  const own = {user_id: account?.id, workspace_id: listed[0]?.id};
  for (const [name, parameter] of Object.entries(spec.components.parameters)) {
    parameter.example = own[name] ?? examples[name];
  }
  ui.specActions.updateJsonSpec(structuredClone(spec));
}

async function signIn(event) {
  event.preventDefault();
  const typed = Object.fromEntries(new FormData(form));
  const response = await fetch(place("api/auth/login"), {
    method: "POST",
    headers: {"Content-Type": "application/json"},
    body: JSON.stringify(typed),
  });
  if (!response.ok) {
    shown.value = `Not signed in: ${response.status} ${await response.text()}`;
    return;
  }
  login = typed;
  form.reset();
  await refresh();
}

async function leave() {
  login = null;
  await fetch(place("api/auth/logout"), {method: "POST"});
  ui.authActions.logout([SCHEME]);
}

async function start() {
  spec = await (await fetch(place("openapi.json"))).json();
  spec.servers = [{url: base.href.replace(/\/$/, ""), description: "This server."}];
  spec.components.securitySchemes[SCHEME].description =
    "Signing in above is enough: the browser then sends the session's cookie, which is HttpOnly, so that no script can " +
    "read or set it. To call with the token of another session instead, paste the token here.";
  for (const [name, parameter] of Object.entries(spec.components.parameters)) examples[name] = parameter.example;
  ui = SwaggerUIBundle({
    spec: structuredClone(spec),
    dom_id: "#console",
    deepLinking: true,
    validatorUrl: null,
    queryConfigEnabled: false,
    plugins: [withOwnCurl],
    requestInterceptor(request) {
      keep(request.url, pasted(), 60);
      return request;
    },
    responseInterceptor(response) {
      keep(response.url, pasted(), 0);
      if (/\/api\/(auth\/(login|logout)|workspaces)$/.test(response.url)) refresh();
      return response;
    },
  });
  form.addEventListener("submit", signIn);
  signOut.addEventListener("click", leave);
  await refresh();
}

start();
