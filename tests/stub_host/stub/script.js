// Functions that scripts of extensions rely on. Own code; names and moments as in the hosts.

const uiUpdateCallbacks = [];
const uiAfterUpdateCallbacks = [];
const uiLoadedCallbacks = [];
const uiTabChangeCallbacks = [];
let opts = {};
let uiAfterUpdateTimer = null;
let uiHasLoaded = false;
let uiCurrentTab = null;

function gradioApp() {
    const apps = document.getElementsByTagName('gradio-app');
    const app = apps.length == 0 ? document : apps[0];
    if (app !== document) {
        app.getElementById = id => document.getElementById(id);
    }
    return app.shadowRoot ? app.shadowRoot : app;
}

function onUiUpdate(callback) {
    uiUpdateCallbacks.push(callback);
}

function onAfterUiUpdate(callback) {
    uiAfterUpdateCallbacks.push(callback);
}

function onUiLoaded(callback) {
    uiLoadedCallbacks.push(callback);
}

function onUiTabChange(callback) {
    uiTabChangeCallbacks.push(callback);
}

function get_uiCurrentTab() {
    return gradioApp().querySelector('#tabs > .tab-nav > button.selected');
}

function get_uiCurrentTabContent() {
    return gradioApp().querySelector('#tabs > .tabitem[id^=tab_]:not([style*="display: none"])');
}

function uiElementIsVisible(element) {
    return !!(element.offsetWidth || element.offsetHeight || element.getClientRects().length);
}

function callAll(callbacks, argument) {
    for (const callback of callbacks) {
        try {
            callback(argument);
        } catch (error) {
            console.error('error running callback', callback, ':', error);
        }
    }
}

function updateInput(target) {
    const event = new Event('input', {bubbles: true});
    Object.defineProperty(event, 'target', {value: target});
    target.dispatchEvent(event);
}

document.addEventListener('DOMContentLoaded', function() {
    const observer = new MutationObserver(function(mutations) {
        if (!uiHasLoaded && gradioApp().querySelector('#txt2img_prompt')) {
            uiHasLoaded = true;
            callAll(uiLoadedCallbacks);
        }
        callAll(uiUpdateCallbacks, mutations);
        clearTimeout(uiAfterUpdateTimer);
        uiAfterUpdateTimer = setTimeout(() => callAll(uiAfterUpdateCallbacks), 200);
        const tab = get_uiCurrentTab();
        if (tab && tab !== uiCurrentTab) {
            uiCurrentTab = tab;
            callAll(uiTabChangeCallbacks);
        }
    });
    observer.observe(document, {childList: true, subtree: true});
});
