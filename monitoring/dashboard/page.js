"use strict";
/* The at-risk list, the section marker and the charts. Texts reach the page by textContent alone. */
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const make = (tag, className, text) => {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  };

  const PAGE = 20, PRINTED = 100;
  const BANDS = ["high", "medium", "low"];
  const COLUMNS = [
    { key: "student_id", name: "Student", first: 1 },
    { key: "risk", name: "Risk", first: -1 },
    { key: "reason_1", name: "Why", by: "reason", first: 1 },
    { key: "suggested_action", name: "What would help", by: "action", first: 1 },
    { key: "segment", name: "Segment", first: 1 },
    { key: "language", name: "Language", first: 1 },
    { key: "silent", name: "Silent", first: -1 },
  ];
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  function unpack(data) {
    return data.rows.map((row) => {
      const student = {};
      data.fields.forEach((field, i) => {
        student[field] = i < 2 ? row[i] : row[i] < 0 ? "" : data.texts[row[i]];
      });
      student.rank = BANDS.indexOf(student.risk_band);
      return student;
    });
  }

  function compare(key) {
    if (key === "risk") return (a, b) => b.rank - a.rank || a.risk - b.risk;
    if (key === "silent") return (a, b) => a.silent - b.silent;
    return (a, b) => collator.compare(a[key], b[key]);
  }

  function matches(student, want) {
    if (want.band && student.risk_band !== want.band) return false;
    if (want.language && student.language !== want.language) return false;
    if (want.segment && student.segment !== want.segment) return false;
    if (!want.query) return true;
    student.text ??= [student.student_id, student.reason_1, student.reason_2, student.reason_3, student.suggested_action,
      student.segment, student.language].join("\n").toLowerCase();
    return want.query.toLowerCase().split(/\s+/).every((word) => student.text.includes(word));
  }

  /* The risk on the days scored before, the last of them today's, on a scale of 0 to 100. */
  function spark(days) {
    const [width, height] = [64, 18];
    const svg = (tag, attributes) => {
      const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
      Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
      return node;
    };
    const at = days.map((risk, i) => [(i / (days.length - 1)) * width, height - (risk / 100) * height]);
    const line = svg("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, role: "img" });
    line.setAttribute("aria-label", `Risk so far: ${days.join(", ")}%`);
    line.append(svg("polyline", { points: at.map((point) => point.join(",")).join(" ") }),
      svg("circle", { cx: at.at(-1)[0], cy: at.at(-1)[1], r: 2 }));
    return line;
  }

  function rowOf(student) {
    const row = make("tr");
    row.setAttribute("role", "row");
    const add = (key, fill) => {
      const cell = make(key === "student_id" ? "th" : "td", key);
      cell.setAttribute("role", key === "student_id" ? "rowheader" : "cell");
      cell.dataset.label = COLUMNS.find((c) => c.key === key).name;
      fill(cell);
      row.append(cell);
    };
    add("student_id", (cell) => { cell.textContent = student.student_id; cell.scope = "row"; });
    add("risk", (cell) => {
      const told = make("span", "risk-told");
      const mark = make("i", `mark ${student.risk_band}`);
      mark.setAttribute("aria-hidden", "true");
      told.append(mark, make("b", "", `${Math.round(student.risk)}%`), make("span", "band", student.risk_band));
      const bar = make("span", `meter ${student.risk_band}`);
      bar.setAttribute("aria-hidden", "true");
      bar.append(make("span"));
      bar.firstChild.style.width = `${student.risk}%`;
      cell.append(told, bar);
      const days = student.trend.split(" ").map(Number);
      if (days.length > 1) cell.append(spark(days));
    });
    add("reason_1", (cell) => {
      const reasons = [student.reason_1, student.reason_2, student.reason_3].filter(Boolean);
      if (!reasons.length) {
        const low = student.risk_band === "low";
        cell.append(make("span", "none", low ? "Reasons are given for the high and medium bands" : "No single reason stands out"));
        return;
      }
      const list = make("ol", "reasons");
      reasons.forEach((reason) => list.append(make("li", "", reason)));
      cell.append(list);
    });
    add("suggested_action", (cell) => {
      cell.textContent = student.suggested_action || "—";
      if (student.contacted_on) cell.append(make("span", "contacted", `Contacted on ${student.contacted_on}`));
    });
    add("segment", (cell) => { cell.textContent = student.segment || "—"; });
    add("language", (cell) => { cell.textContent = student.language || "—"; });
    add("silent", (cell) => {
      cell.textContent = student.silent === null ? "—" : `${student.silent} ${student.silent === 1 ? "day" : "days"}`;
    });
    return row;
  }

  function list() {
    const form = document.getElementById("filters");
    if (!form) return;
    const all = unpack(read("at-risk-data"));
    const [head, body] = [document.querySelector("#students thead tr"), document.querySelector("#students tbody")];
    const [before, after] = [document.getElementById("before"), document.getElementById("after")];
    const status = document.getElementById("status");
    const state = { sort: "risk", way: -1, page: 0, shown: all };

    const headers = COLUMNS.map((column) => {
      const cell = make("th", column.key);
      cell.setAttribute("role", "columnheader");
      cell.scope = "col";
      const button = make("button", "", column.name);
      button.type = "button";
      button.addEventListener("click", () => {
        state.way = state.sort === column.key ? -state.way : column.first;
        state.sort = column.key;
        form.elements.sort.value = column.key;
        arrange();
      });
      cell.append(button);
      head.append(cell);
      const option = make("option", "", `Sort by ${column.by || column.name.toLowerCase()}`);
      option.value = column.key;
      form.elements.sort.append(option);
      return cell;
    });
    form.elements.sort.value = "risk";

    function draw(size = PAGE) {
      const start = size === PAGE ? state.page * PAGE : 0;
      const shown = state.shown.slice(start, start + size);
      const rows = document.createDocumentFragment();
      shown.forEach((student) => rows.append(rowOf(student)));
      if (!shown.length) {
        const row = make("tr", "nobody");
        row.setAttribute("role", "row");
        const cell = make("td", "", "No student matches. Clear the filters to see everyone.");
        cell.setAttribute("role", "cell");
        cell.colSpan = COLUMNS.length;
        row.append(cell);
        rows.append(row);
      }
      body.replaceChildren(rows);
      const total = state.shown.length.toLocaleString("en");
      status.textContent = shown.length
        ? `Showing ${(start + 1).toLocaleString("en")}–${(start + shown.length).toLocaleString("en")} of ${total} students`
        : "No student matches";
      before.disabled = state.page === 0;
      after.disabled = (state.page + 1) * PAGE >= state.shown.length;
      before.parentElement.hidden = state.shown.length <= PAGE;
    }

    function arrange() {
      const want = Object.fromEntries(new FormData(form));
      want.query = (want.query || "").trim();
      const order = compare(state.sort);
      const blank = (s) => s[state.sort] === "" || s[state.sort] === null;
      state.shown = all.filter((student) => matches(student, want))
        .sort((a, b) => blank(a) - blank(b) || state.way * order(a, b) || a.rank - b.rank || b.risk - a.risk);
      headers.forEach((cell, i) => {
        if (COLUMNS[i].key === state.sort) cell.setAttribute("aria-sort", state.way > 0 ? "ascending" : "descending");
        else cell.removeAttribute("aria-sort");
      });
      state.page = 0;
      draw();
    }

    const turn = (by) => {
      state.page += by;
      draw();
      if (before.disabled !== after.disabled) (before.disabled ? after : before).focus();
      document.getElementById("at-risk").scrollIntoView();
    };
    before.addEventListener("click", () => turn(-1));
    after.addEventListener("click", () => turn(1));
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", (event) => {
      if (event.target.name === "sort") {
        state.sort = event.target.value;
        state.way = COLUMNS.find((column) => column.key === state.sort).first;
      }
      arrange();
    });
    form.addEventListener("reset", () => setTimeout(() => {
      Object.assign(state, { sort: "risk", way: -1 });
      form.elements.sort.value = "risk";
      arrange();
    }));
    window.addEventListener("beforeprint", () => draw(PRINTED));
    window.addEventListener("afterprint", () => draw());
    arrange();
  }

  function markSection() {
    const links = new Map([...document.querySelectorAll("nav.sections a")].map((a) => [a.hash.slice(1), a]));
    const follow = () => {
      let current = "overview";
      document.querySelectorAll("main > section").forEach((part) => {
        if (part.getBoundingClientRect().top < window.innerHeight * 0.35) current = part.id;
      });
      if (window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 4) current = [...links.keys()].at(-1);
      links.forEach((link, key) => {
        if (key !== current) return link.removeAttribute("aria-current");
        if (link.getAttribute("aria-current")) return undefined;
        link.setAttribute("aria-current", "true");
        const strip = link.closest("ul");
        strip.scrollTo({ left: link.offsetLeft - strip.clientWidth / 2 + link.offsetWidth / 2 });
        return undefined;
      });
    };
    let waiting = false;
    window.addEventListener("scroll", () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; follow(); });
    }, { passive: true });
    follow();
  }

  /* One chart after another, so that the page answers in between. Colours are CSS variables: no chart is drawn again. */
  window.learnerRadarCharts = async () => {
    const { config, specs } = read("charts-data");
    for (const place of document.querySelectorAll("[data-chart]")) {
      await new Promise((next) => setTimeout(next));
      try {
        await window.vegaEmbed(place, specs[place.dataset.chart], {
          actions: false, ast: true, config, renderer: "svg", mode: "vega-lite", tooltip: { theme: "custom" },
        });
      } catch (error) {
        place.textContent = "This chart could not be drawn; its numbers are below.";
        console.error(place.dataset.chart, error);
      }
    }
    document.documentElement.dataset.charts = "drawn";
  };

  list();
  markSection();
})();
