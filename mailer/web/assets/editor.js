// <textarea data-editor="mjml" data-check-url="/…" data-problems="id-of-ul" data-problems-count="id-of-status">
// becomes CodeMirror; the textarea stays the form's field, so that saving works as without script.
// The check gets the form's fields by POST and answers
// {"problems": [{line, column, severity, message, fix, place}], "summary": "…"}.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { html } from "@codemirror/lang-html";
import { bracketMatching, foldGutter, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, linter } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import "./editor.css";
import { MJML_TAGS } from "./mjml_tags.js";

const CHECK_MS = 600;

const colours = HighlightStyle.define([
  { tag: tags.tagName, color: "var(--link)" },
  { tag: tags.attributeName, color: "var(--series-4)" },
  { tag: [tags.attributeValue, tags.string], color: "var(--ok)" },
  { tag: tags.comment, color: "var(--muted)" },
  { tag: tags.angleBracket, color: "var(--muted)" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

const look = EditorView.theme({
  "&": { height: "100%", color: "var(--text)", backgroundColor: "var(--surface)", fontSize: "14px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { overflow: "auto", fontFamily: "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { color: "var(--muted)", backgroundColor: "var(--surface-2)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--link) 8%, transparent)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": {
    background: "color-mix(in srgb, var(--link) 25%, transparent) !important",
  },
  ".cm-tooltip, .cm-panels": { color: "var(--text)", backgroundColor: "var(--surface)", border: "1px solid var(--control)" },
  // CodeMirror draws these marks with data: pictures, which `img-src 'self'` does not load.
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad)" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--wait)" },
  ".cm-lintRange-info": { backgroundImage: "none", textDecoration: "underline dotted var(--muted)" },
  ".cm-lint-marker-info": { content: '"i"', color: "var(--muted)" },
  ".cm-diagnostic-info": { borderLeftColor: "var(--muted)" },
  ".cm-lint-marker-error": { content: '"✕"', color: "var(--bad)" },
  ".cm-lint-marker-warning": { content: '"!"', color: "var(--wait)" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--wait)" },
});

// What the server says is placed by line and column, both counted from 1.
function diagnostic(doc, { line, column, severity, message, fix }) {
  const found = doc.line(Math.min(Math.max(line ?? 1, 1), doc.lines));
  const from = Math.min(found.from + Math.max((column ?? 1) - 1, 0), found.to);
  return { from, to: found.to, severity: ["warning", "info"].includes(severity) ? severity : "error", message: said({ message, fix }) };
}

// The sentence ends with what to do, said once.
function said({ message, fix }) {
  return fix && !message.includes(fix) ? `${message} ${fix}` : message;
}

function list(area, view, { problems, summary }) {
  const items = document.getElementById(area.dataset.problems);
  items?.replaceChildren(
    ...problems.map((problem) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn btn-link";
      button.textContent = problem.place;
      button.addEventListener("click", () => {
        const { from } = diagnostic(view.state.doc, problem);
        view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
        view.focus();
      });
      item.append(button, " ", said(problem));
      return item;
    }),
  );
  const count = document.getElementById(area.dataset.problemsCount);
  if (count) count.textContent = summary ?? "";
}

async function check(area, view) {
  const answer = await fetch(area.dataset.checkUrl, {
    method: "POST",
    body: new FormData(area.form),
    headers: { Accept: "application/json" },
  });
  if (!answer.ok) return [];
  const said = await answer.json();
  list(area, view, said);
  return said.problems.map((problem) => diagnostic(view.state.doc, problem));
}

function start(area) {
  const box = document.createElement("div");
  box.className = "editor";
  // In a shadow tree CodeMirror mounts its styles by adoptedStyleSheets, which `style-src 'self'` allows.
  const root = box.attachShadow({ mode: "open" });
  const label = area.labels[0]?.textContent.trim() ?? "";
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: area.value,
      extensions: [
        lineNumbers(),
        foldGutter(),
        history(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        autocompletion(),
        highlightActiveLine(),
        highlightSelectionMatches(),
        syntaxHighlighting(colours),
        look,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": label, "aria-describedby": "", tabindex: "0" }),
        html({ extraTags: MJML_TAGS, matchClosingTags: true }),
        lintGutter(),
        ...(area.dataset.checkUrl ? [linter((current) => check(area, current), { delay: CHECK_MS })] : []),
        // Tab is not bound: it leaves the editor (WCAG 2.1.2).
        keymap.of([
          ...closeBracketsKeymap,
          ...defaultKeymap,
          ...searchKeymap,
          ...historyKeymap,
          ...completionKeymap,
          ...lintKeymap,
        ]),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          area.value = update.state.doc.toString();
          area.dispatchEvent(new Event("input", { bubbles: true }));
        }),
      ],
    }),
  });
  area.after(box);
  area.hidden = true;
  area.labels[0]?.addEventListener("click", () => view.focus());
  document.addEventListener(
    "click",
    (event) => {
      const button = event.target.closest?.("[data-insert]");
      if (button?.dataset.insertInto !== area.id) return;
      event.preventDefault();
      view.dispatch(view.state.replaceSelection(button.dataset.insert));
      view.focus();
    },
    true,
  );
}

document.querySelectorAll("textarea[data-editor=mjml]").forEach(start);
