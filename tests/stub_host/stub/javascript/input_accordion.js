// Keeps the title's checkbox of an InputAccordion, the accordion and the hidden gradio checkbox together.

function inputAccordionChecked(id, checked) {
    const accordion = gradioApp().getElementById(id);
    accordion.visibleCheckbox.checked = checked;
    accordion.onVisibleCheckboxChange();
}

function setUpInputAccordion(accordion) {
    const title = accordion.querySelector('.label-wrap');
    const hidden = gradioApp().querySelector('#' + accordion.id + '-checkbox input');
    const extra = gradioApp().querySelector('#' + accordion.id + '-extra');
    const isOpen = () => title.classList.contains('open');
    // Opening ticks the box, until the user clicks the box itself.
    let areLinked = true;

    const box = document.createElement('input');
    box.type = 'checkbox';
    box.id = accordion.id + '-visible-checkbox';
    box.className = hidden.className + ' input-accordion-checkbox';
    box.checked = isOpen();
    const words = title.querySelector('span');
    words.insertBefore(box, words.firstChild);
    if (extra) {
        title.insertBefore(extra, title.lastElementChild);
    }

    accordion.visibleCheckbox = box;
    accordion.onVisibleCheckboxChange = function() {
        if (areLinked && isOpen() != box.checked) {
            title.click();
        }
        hidden.checked = box.checked;
        updateInput(hidden);
    };
    accordion.onChecked = function(checked) {
        if (isOpen() != checked) {
            title.click();
        }
    };
    box.addEventListener('click', function(event) {
        areLinked = false;
        event.stopPropagation();
    });
    box.addEventListener('input', accordion.onVisibleCheckboxChange);
    new MutationObserver(function() {
        accordion.classList.toggle('input-accordion-open', isOpen());
        if (areLinked) {
            box.checked = isOpen();
            accordion.onVisibleCheckboxChange();
        }
    }).observe(title, {attributes: true, attributeFilter: ['class']});
}

onUiLoaded(function() {
    gradioApp().querySelectorAll('.input-accordion').forEach(setUpInputAccordion);
});
