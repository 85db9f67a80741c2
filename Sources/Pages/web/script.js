// SPDX-License-Identifier: Apache-2.0
// What a page can do beyond showing: everything is readable without this file.
"use strict";
(() => {
    const page = document.body;
    document.documentElement.classList.add("script");

    // The server's own address is known only to who reads the page from it: a mirror has another.
    const top = new URL(page.dataset.top || "./", location.href);
    const host = location.protocol === "file:" ? "HOST" : (top.host + top.pathname).replace(/\/$/, "");
    for (const element of document.querySelectorAll(".host")) element.textContent = host;

    // Ages.
    const units = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];
    const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
    const age = (then) => {
        const seconds = (then - Date.now()) / 1000;
        for (const [unit, size] of units)
            if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
        return "now";
    };
    const tellAge = (element) => {
        const then = Date.parse(element.dateTime);
        if (Number.isNaN(then)) return;
        element.title = element.textContent || element.dateTime;
        element.textContent = element.textContent ? `${element.textContent} (${age(then)})` : age(then);
        if (element.classList.contains("expiry") && then < Date.now()) element.classList.add("bad");
    };

    // Copying.
    const said = document.createElement("p");
    said.className = "unseen";
    said.setAttribute("role", "status");
    page.append(said);
    const copy = async (text, button) => {
        const label = button.textContent;
        try {
            await navigator.clipboard.writeText(text);
            button.textContent = "copied";
            said.textContent = `Copied: ${text}`;
        } catch {
            button.textContent = "not allowed";
            said.textContent = "The browser does not allow copying.";
        }
        setTimeout(() => { button.textContent = label; }, 1500);
    };
    const button = (label, name) => {
        const element = document.createElement("button");
        element.type = "button";
        element.textContent = label;
        element.setAttribute("aria-label", name);
        return element;
    };
    for (const code of document.querySelectorAll("code.copy")) {
        const element = button("copy", `Copy: ${code.textContent}`);
        element.addEventListener("click", () => copy(code.textContent, element));
        code.after(" ", element);
    }

    // The catalogue.
    const table = document.getElementById("images");
    if (table) {
        const body = table.tBodies[0];
        const lines = {
            LXC: (d) => `lxc-create -n c1 -t rootcellar -- --server ${host} -d ${d.d} -r ${d.r} -a ${d.a} --variant ${d.v}`,
            LXD: (d) => `lxc launch ${page.dataset.server}:${alias(d)} c1`,
            Incus: (d) => `incus launch ${page.dataset.server}:${alias(d)} c1`,
        };
        const alias = (d) => `${d.d}/${d.r}` + (d.v === "default" ? "" : `/${d.v}`);
        const buttons = document.createDocumentFragment();
        for (const name of Object.keys(lines)) buttons.append(button(name, `Copy the line for ${name}`));
        const fields = ["distribution", "release", "architecture", "variant"];
        const rows = Array.from(body.rows, (row) => {
            row.cells[6].append(buttons.cloneNode(true));
            const { d, r, a, v } = row.dataset;
            return { row, distribution: d, release: r, architecture: a, variant: v, text: `${d} ${r} ${a} ${v}` };
        });
        body.addEventListener("click", (event) => {
            const element = event.target.closest("button");
            if (!element) return;
            const name = element.getAttribute("aria-label").split(" ").pop();
            if (lines[name]) copy(lines[name](element.closest("tr").dataset), element);
        });
        const form = document.getElementById("filter");
        const found = document.getElementById("found");
        const choices = fields.map((field) => form.elements[field]);
        const fill = () => {
            // Each choice offers what the others leave.
            fields.forEach((field, at) => {
                const chosen = choices[at].value;
                const rest = rows.filter((row) => fields.every((other, index) =>
                    index === at || !choices[index].value || row[other] === choices[index].value));
                const values = [...new Set(rest.map((row) => row[field]))].sort();
                choices[at].replaceChildren(new Option("all", ""), ...values.map((value) => new Option(value, value)));
                choices[at].value = values.includes(chosen) ? chosen : "";
            });
        };
        const filter = () => {
            const words = form.elements.q.value.toLowerCase().split(/\s+/).filter(Boolean);
            let count = 0;
            for (const entry of rows) {
                const fits = words.every((word) => entry.text.includes(word))
                    && fields.every((field, at) => !choices[at].value || entry[field] === choices[at].value);
                if (entry.row.hidden === fits) entry.row.hidden = !fits;
                count += fits ? 1 : 0;
            }
            found.textContent = `${count} of ${rows.length} images`;
        };
        const remember = () => {
            const query = new URLSearchParams();
            for (const name of ["q", ...fields])
                if (form.elements[name].value) query.set(name, form.elements[name].value);
            history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
        };
        const asked = new URLSearchParams(location.search);
        form.elements.q.value = asked.get("q") || "";
        fill();
        fields.forEach((field, at) => {
            if (rows.some((row) => row[field] === asked.get(field))) choices[at].value = asked.get(field);
        });
        fill();
        form.hidden = false;
        filter();
        form.elements.q.addEventListener("input", () => {
            filter();
            remember();
        });
        form.addEventListener("change", () => {
            fill();
            filter();
            remember();
        });
        form.addEventListener("submit", (event) => event.preventDefault());
    }

    // The packages of an image.
    const search = document.getElementById("search");
    if (search) {
        const list = document.getElementById("package-list");
        const rows = Array.from(list.tBodies[0].rows, (row) => ({ row, text: row.textContent.toLowerCase() }));
        const matching = document.getElementById("matching");
        search.hidden = false;
        search.addEventListener("submit", (event) => event.preventDefault());
        search.addEventListener("input", () => {
            const word = search.elements.p.value.trim().toLowerCase();
            let count = 0;
            for (const { row, text } of rows) {
                row.hidden = !text.includes(word);
                count += row.hidden ? 0 : 1;
            }
            list.closest("details").open = word !== "";
            matching.textContent = word ? `${count} of ${rows.length} packages` : "";
        });
    }

    // Any two builds of an image.
    const compare = document.getElementById("compare");
    if (compare) {
        const serials = Array.from(document.querySelectorAll(".timeline li strong a"), (link) => link.textContent);
        const { from, to } = compare.elements;
        for (const choice of [from, to]) choice.replaceChildren(...serials.map((serial) => new Option(serial, serial)));
        from.selectedIndex = Math.min(1, serials.length - 1);
        const status = document.getElementById("compared");
        const list = document.getElementById("differences");
        const packages = async (serial) => {
            const answer = await fetch(`${serial.replace(":", "%3A")}/image.json`);
            if (!answer.ok) throw new Error(`${serial}: ${answer.status}`);
            const versions = new Map();
            for (const { name, architecture, version } of (await answer.json()).packages) {
                const key = `${name} ${architecture}`;
                versions.set(key, [...(versions.get(key) || []), version].sort());
            }
            return versions;
        };
        const entry = (text, kind) => {
            const element = document.createElement("li");
            element.textContent = text;
            element.className = kind;
            return element;
        };
        compare.hidden = false;
        compare.addEventListener("submit", async (event) => {
            event.preventDefault();
            status.textContent = "reading…";
            list.replaceChildren();
            try {
                const [old, now] = await Promise.all([packages(from.value), packages(to.value)]);
                const lines = [];
                for (const key of [...new Set([...old.keys(), ...now.keys()])].sort()) {
                    const before = (old.get(key) || []).join(", ");
                    const after = (now.get(key) || []).join(", ");
                    const name = key.split(" ")[0];
                    if (before === after) continue;
                    if (!before) lines.push(entry(`${name} ${after} added`, "added"));
                    else if (!after) lines.push(entry(`${name} ${before} removed`, "removed"));
                    else lines.push(entry(`${name} ${before} → ${after}`, "changed"));
                }
                list.replaceChildren(...lines);
                status.textContent = lines.length ? `${lines.length} packages are different` : "the same packages";
            } catch (error) {
                status.textContent = `The builds cannot be compared (${error.message}).`;
            }
        });
    }

    for (const element of document.querySelectorAll("time")) tellAge(element);
})();
