// Compares the selected gallery picture with the one before restoration, starts the buttons that restore what a gallery
// shows, and lets screen readers hear our status boxes.
// The page works without it. A restored file lies beside its base file: 00012-345.png, 00012-345-restored.png.

(function() {
    "use strict";

    const GALLERIES = "[id$='_gallery']";
    const LABEL = "Compare before | after";
    // "-restored" or "-restored-2" before the extension, in an address that may be URL-encoded.
    const MARK = /(?:-|%2[Dd])restored(?:(?:-|%2[Dd])\d+)?(\.\w+)$/;
    const OPENING = new WeakMap(); // button → the address that it is loading, so that a late picture opens nothing
    const watched = new WeakSet();

    const page = () => typeof gradioApp === "function" ? gradioApp() : document;

    /** The address of the picture before restoration; null if this is no restored picture that the host serves. */
    function baseAddress(address) {
        const [, file, rest] = /^([^?#]*)(.*)$/s.exec(address);
        return file.includes("file=") && MARK.test(file) ? file.replace(MARK, "$1") + rest : null;
    }

    /** The picture that the gallery shows large, or null: while it shows only small ones, none is selected. */
    function selectedPicture(gallery) {
        const named = gallery.querySelector("img[data-testid='detailed-image']");
        if (named) return named;
        const area = (img) => img.clientWidth * img.clientHeight;
        const [largest, next] = [...gallery.querySelectorAll("img")].sort((a, b) => area(b) - area(a));
        if (!largest || !area(largest)) return null;
        return !next || area(largest) > 2 * area(next) ? largest : null;
    }

    function make(tag, properties, ...children) {
        const node = Object.assign(document.createElement(tag), properties);
        node.append(...children);
        return node;
    }

    /** Show the button under a gallery whose selected picture is a restored one, and hide it under others. */
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

    /** Follow one gallery: another selected picture changes attributes only, which the host does not report. */
    function watch(gallery) {
        if (watched.has(gallery)) return;
        watched.add(gallery);
        new MutationObserver(() => refreshGallery(gallery))
            .observe(gallery, {subtree: true, childList: true, attributes: true, attributeFilter: ["src", "class"]});
    }

    function loaded(address) {
        const img = make("img", {src: address, draggable: false});
        return img.decode().then(() => img);
    }

    /** Load both pictures, then show them; the button says so if one cannot be had, and the next click tries again. */
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

    function layer(name, text, img) {
        img.alt = `${text} restoration`;
        const badge = make("span", {className: "facerestore-compare-badge", textContent: text});
        badge.setAttribute("aria-hidden", "true");
        return make("div", {className: `facerestore-compare-${name}`}, img, badge);
    }

    /** A range over the pictures: where it stands, the picture before ends and the one after begins. */
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

    /** The overlay, until it is closed: both pictures over each other at the size that the window has room for. */
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

        // The host listens for keys on the document: Escape would stop a running generation, Ctrl+Enter start one.
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

    // ---- The buttons that restore what a gallery shows ----

    /** What a press sends: the task whose progress the host shows, the selected entry, and the rest as it is. */
    window.facerestoreSubmit = function(tab, which, given, inputs) {
        const values = Array.from(given).slice(0, inputs); // behind the inputs come present values of the outputs
        const begin = tab === "img2img" ? window.submit_img2img : window.submit;
        const selected = typeof selected_gallery_index === "function" ? selected_gallery_index() : -1;
        values[0] = typeof begin === "function" ? begin("", "")[0] : "";
        values[1] = which === "all" ? which : String(selected);
        page().querySelector(`#html_log_${tab}`)?.setAttribute("aria-live", "polite"); // where the status will stand
        return values;
    };

    // ---- Status boxes ----

    /** Make status boxes speak when they change; only the outermost where one class stands on nested elements. */
    function announceStatus() {
        for (const box of page().querySelectorAll(".facerestore-status:not([aria-live])")) {
            if (!box.parentElement.closest(".facerestore-status")) box.setAttribute("aria-live", "polite");
        }
    }

    function refresh() {
        page().querySelectorAll(GALLERIES).forEach(refreshGallery);
        announceStatus();
    }

    if (typeof onAfterUiUpdate === "function") onAfterUiUpdate(refresh);
    // A tab that is opened, or a page without the host's callbacks; after the page has answered.
    for (const event of ["click", "focusin"]) document.addEventListener(event, () => setTimeout(refresh, 50));
})();
