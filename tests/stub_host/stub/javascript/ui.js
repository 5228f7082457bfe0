// Gallery, tabs, submit and settings, under the names that extensions call.

window.args_to_array = Array.from;

function all_gallery_buttons() {
    const found = gradioApp().querySelectorAll('div[id$=_gallery].gradio-gallery .thumbnails > .thumbnail-item');
    return Array.from(found).filter(button => button.parentElement.offsetParent);
}

function selected_gallery_button() {
    return all_gallery_buttons().find(button => button.classList.contains('selected')) ?? null;
}

function selected_gallery_index() {
    return all_gallery_buttons().findIndex(button => button.classList.contains('selected'));
}

function extract_image_from_gallery(gallery) {
    if (!gallery || gallery.length == 0) {
        return [null];
    }
    const index = selected_gallery_index();
    const one = gallery[index < 0 || index >= gallery.length ? 0 : index];
    // gradio 4 reads a gallery of one.
    return window.gradio_config.version.startsWith('3') ? [one] : [[one]];
}

function switchToTab(index) {
    gradioApp().querySelector('#tabs').querySelectorAll('button')[index].click();
}

function switch_to_txt2img() {
    switchToTab(0);
    return Array.from(arguments);
}

function switch_to_img2img() {
    switchToTab(1);
    gradioApp().getElementById('mode_img2img').querySelectorAll('button')[0].click();
    return Array.from(arguments);
}

function switch_to_inpaint() {
    switchToTab(1);
    gradioApp().getElementById('mode_img2img').querySelectorAll('button')[1].click();
    return Array.from(arguments);
}

function switch_to_extras() {
    switchToTab(2);
    return Array.from(arguments);
}

function showSubmitButtons(tab, show) {
    for (const name of ['_interrupt', '_skip']) {
        const button = gradioApp().getElementById(tab + name);
        if (button) {
            button.style.display = show ? 'none' : 'block';
        }
    }
}

function submitWithProgress(tab, given, outputs) {
    showSubmitButtons(tab, false);
    const id = randomId();
    requestProgress(
        id,
        gradioApp().getElementById(tab + '_gallery_container'),
        gradioApp().getElementById(tab + '_gallery'),
        () => showSubmitButtons(tab, true)
    );
    // After the inputs come the present values of the outputs. gradio 4 takes exactly as many values as it has inputs,
    // else it shifts those behind a gr.State by one.
    const values = Array.from(given).slice(0, given.length - outputs);
    values[0] = id;
    return values;
}

function submit() {
    return submitWithProgress('txt2img', arguments, 4);
}

function submit_img2img() {
    return submitWithProgress('img2img', arguments, 4);
}

function submit_extras() {
    return submitWithProgress('extras', arguments, 3);
}

function restart_reload() {
    document.body.innerHTML = '<h1 style="font-family:monospace;margin-top:20%;text-align:center;">Reloading...</h1>';
    const ask = () => fetch('file=script.js').then(
        () => setTimeout(() => location.reload(), 500),
        () => setTimeout(ask, 500)
    );
    setTimeout(ask, 2000);
    return [];
}

// A click on a gallery item asks for that picture's text.
onAfterUiUpdate(function() {
    for (const tab of ['txt2img', 'img2img']) {
        const gallery = gradioApp().getElementById(tab + '_gallery');
        if (gallery && !gallery.hasTextListener) {
            gallery.hasTextListener = true;
            gallery.addEventListener('click', () => setTimeout(() => {
                const button = gradioApp().getElementById(tab + '_generation_info_button');
                if (button) {
                    button.click();
                }
            }, 50));
        }
    }
});

function readSettings() {
    const box = gradioApp().querySelector('#settings_json textarea, #settings_json input');
    if (box && box.value) {
        try {
            opts = JSON.parse(box.value);
        } catch (error) {
            console.error(error);
        }
    }
}

onUiLoaded(readSettings);
onAfterUiUpdate(readSettings);
