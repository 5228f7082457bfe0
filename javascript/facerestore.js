// Three things on the host's page: compare a restored picture of a gallery with its base picture; tell the server which
// picture a press of the buttons below a gallery is about; make screen readers read the status boxes aloud.
// Generating and restoring work without this file. A restored picture lies beside its base file and has its name with
// "-restored": 00012-345.png, 00012-345-restored.png.

(function() {
    "use strict";

    const GALLERIES = "[id$='_gallery']";
    const LABEL = "Compare before | after";
    // "-restored" or "-restored-2" before the extension, in an address that may be URL-encoded.
    const MARK = /(?:-|%2[Dd])restored(?:(?:-|%2[Dd])\d+)?(\.\w+)$/;
    // Button → address of the base picture that it is loading. A picture that arrives after another was selected is not
    // shown.
    const OPENING = new WeakMap();
    const watched = new WeakSet(); // galleries that have an observer

    const page = () => typeof gradioApp === "function" ? gradioApp() : document;

    /** Return the address of the base picture; null if the address is not that of a restored picture's file. */
    function baseAddress(address) {
        const [, file, rest] = /^([^?#]*)(.*)$/s.exec(address);
        return file.includes("file=") && MARK.test(file) ? file.replace(MARK, "$1") + rest : null;
    }

    /** Return the selected picture, which the gallery shows large; null while it shows small pictures only. */
    function selectedPicture(gallery) {
        const named = gallery.querySelector("img[data-testid='detailed-image']");
        if (named) return named;
        const area = (img) => img.clientWidth * img.clientHeight;
        const [largest, next] = [...gallery.querySelectorAll("img")].sort((a, b) => area(b) - area(a));
        if (!largest || !area(largest)) return null;
        return !next || area(largest) > 2 * area(next) ? largest : null;
    }

    /** Return a new element with these properties and children. */
    function make(tag, properties, ...children) {
        const node = Object.assign(document.createElement(tag), properties);
        node.append(...children);
        return node;
    }

    /** Show the button "Compare" below a gallery if its selected picture is a restored one; hide it otherwise. */
    function refreshGallery(gallery) {
        watch(gallery);
        const shown = gallery.getClientRects().length ? selectedPicture(gallery) : null;
        const base = shown ? baseAddress(shown.src) : null;
        let button = gallery.nextElementSibling;
        if (!button || !button.classList.contains("facerestore-compare-button")) {
            if (!base) return;
            button = make("button", {type: "button", className: "facerestore-compare-button"});
            button.setAttribute("aria-haspopup", "dialog");
            button.setAttribute("aria-live", "polite");
            button.addEventListener("click", () => open(button));
            gallery.after(button);
        }
        if (button.hidden !== !base) button.hidden = !base;
        if (base && button.dataset.base !== base) {
            Object.assign(button.dataset, {base, restored: shown.src});
            OPENING.delete(button);
            button.textContent = LABEL;
        }
    }

    /** Refresh a gallery when its pictures change. The host does not report another selection. */
    function watch(gallery) {
        if (watched.has(gallery)) return;
        watched.add(gallery);
        new MutationObserver(() => refreshGallery(gallery))
            .observe(gallery, {subtree: true, childList: true, attributes: true, attributeFilter: ["src", "class"]});
    }

    /** Return a promise of an img element whose picture has been loaded; it fails if there is none. */
    function loaded(address) {
        const img = make("img", {src: address, draggable: false});
        return img.decode().then(() => img);
    }

    /** Load both pictures, then show them. If one cannot be loaded the button says so; the next click tries again. */
    async function open(button) {
        const {base, restored} = button.dataset;
        if (OPENING.get(button) === base) return;
        OPENING.set(button, base);
        button.textContent = "Loading the picture before restoration …";
        const pictures = await Promise.all([loaded(base), loaded(restored)]).catch(() => null);
        if (OPENING.get(button) !== base) return; // another picture was selected meanwhile
        OPENING.delete(button);
        button.textContent = pictures ? LABEL : "The picture before restoration cannot be loaded";
        if (pictures) show(button, ...pictures);
    }

    /** Return one of the two layers of the comparison. name: "before" or "after", for its class; text: its badge. */
    function layer(name, text, img) {
        img.alt = `${text} restoration`;
        const badge = make("span", {className: "facerestore-compare-badge", textContent: text});
        badge.setAttribute("aria-hidden", "true");
        return make("div", {className: `facerestore-compare-${name}`}, img, badge);
    }

    /** Return a range input that lies over the pictures and moves the border between base and restored picture. */
    function borderRange(stage) {
        const range = make("input", {type: "range", min: 0, max: 100, step: 1, value: 50, autofocus: true});
        range.className = "facerestore-compare-range";
        range.setAttribute("aria-label", "Border between before and after");
        const move = () => {
            stage.style.setProperty("--facerestore-border", `${range.value}%`);
            range.setAttribute("aria-valuetext", `${range.value} % before, ${100 - range.value} % after`);
        };
        range.addEventListener("input", move);
        move();
        return range;
    }

    /** Show both pictures over each other in a dialog, as large as the window allows, until the user closes it. */
    function show(button, before, after) {
        const stage = make("div", {className: "facerestore-compare-stage"});
        stage.style.setProperty("--facerestore-ratio", after.naturalWidth / after.naturalHeight);
        stage.append(layer("before", "Before", before), layer("after", "After", after));
        stage.append(make("div", {className: "facerestore-compare-border"}), borderRange(stage));

        const title = make("h2", {id: "facerestore-compare-title", textContent: "Before | after restoration"});
        const close = make("button", {type: "button", className: "facerestore-compare-close", textContent: "Close"});
        const head = make("div", {className: "facerestore-compare-head"}, title, close);
        const dialog = make("dialog", {id: "facerestore-compare", tabIndex: -1}, head, stage);
        dialog.setAttribute("aria-labelledby", title.id);

        // No key may reach the host, which listens on the document: Escape stops a generation, Ctrl+Enter starts one.
        const keys = (event) => {
            event.stopPropagation();
            if (event.key !== "Escape") return;
            event.preventDefault();
            dialog.close();
        };
        window.addEventListener("keydown", keys, true);
        close.addEventListener("click", () => dialog.close());
        dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // beside the pictures
        dialog.addEventListener("close", () => {
            window.removeEventListener("keydown", keys, true);
            dialog.remove();
            if (button.isConnected) button.focus();
        });
        document.body.append(dialog);
        dialog.showModal();
    }

    // ---- The buttons below a gallery ----

    /**
     * Return what a press sends to gallery_job.run, and start the host's progress bar.
     * tab: "txt2img" or "img2img". which: "all" or "selected". given: the values of inputs and outputs, of which the
     * first two are replaced: by the id of the task whose progress the bar shows, and by "all" or the number of the
     * selected entry ("-1" for none). inputs: the number of inputs.
     */
    window.facerestoreSubmit = function(tab, which, given, inputs) {
        const values = Array.from(given).slice(0, inputs); // gradio appends the present values of the outputs
        const begin = tab === "img2img" ? window.submit_img2img : window.submit;
        const selected = typeof selected_gallery_index === "function" ? selected_gallery_index() : -1;
        values[0] = typeof begin === "function" ? begin("", "")[0] : "";
        values[1] = which === "all" ? which : String(selected);
        page().querySelector(`#html_log_${tab}`)?.setAttribute("aria-live", "polite"); // the status will be shown there
        return values;
    };

    // ---- Status boxes ----

    /** Make screen readers read status boxes aloud when they change; of nested boxes only the outermost one. */
    function announceStatus() {
        for (const box of page().querySelectorAll(".facerestore-status:not([aria-live])")) {
            if (!box.parentElement.closest(".facerestore-status")) box.setAttribute("aria-live", "polite");
        }
    }

    /** Look at all galleries and status boxes of the page. */
    function refresh() {
        page().querySelectorAll(GALLERIES).forEach(refreshGallery);
        announceStatus();
    }

    if (typeof onAfterUiUpdate === "function") onAfterUiUpdate(refresh);
    // For a tab that the user opens, and for pages without the host's callback; a little later, when the page has
    // changed.
    for (const event of ["click", "focusin"]) document.addEventListener(event, () => setTimeout(refresh, 50));
})();
