// The bar above a gallery while a job runs, with the live preview.

function randomId() {
    return 'task(' + Math.random().toString(36).slice(2, 17) + ')';
}

function requestProgress(id, container, gallery, atEnd, onProgress) {
    const bar = document.createElement('div');
    bar.className = 'progressDiv';
    bar.innerHTML = '<div class="progress"></div>';
    container.parentNode.insertBefore(bar, container);
    const inner = bar.querySelector('.progress');
    let preview = null;
    let lastPreview = 0;
    let hasBeenActive = false;
    const started = Date.now();

    function end() {
        bar.remove();
        if (preview) {
            preview.remove();
        }
        atEnd();
    }

    function show(answer) {
        if (answer.live_preview && gallery) {
            if (!preview) {
                preview = document.createElement('div');
                preview.className = 'livePreview';
                preview.appendChild(new Image());
                gallery.insertBefore(preview, gallery.firstElementChild);
            }
            preview.firstChild.src = answer.live_preview;
        }
        lastPreview = Math.max(lastPreview, answer.id_live_preview);
        const percent = Math.round((answer.progress || 0) * 100);
        inner.style.width = percent + '%';
        let words = answer.textinfo && !answer.textinfo.includes('\n') ? answer.textinfo + ' ' : '';
        if (answer.progress > 0) {
            words += percent + '%';
        }
        if (answer.eta) {
            words += ' ETA: ' + Math.round(answer.eta) + 's';
        }
        inner.textContent = words;
    }

    function poll() {
        fetch('./internal/progress', {
            method: 'POST',
            headers: {'Content-Type': 'application/json'},
            body: JSON.stringify({id_task: id, live_preview: !!gallery, id_live_preview: lastPreview})
        }).then(answer => answer.json()).then(function(answer) {
            if (answer.completed || (hasBeenActive && !answer.active && !answer.queued)) {
                return end();
            }
            // A task that never began: hosts wait 40 s for it, and tests would wait with them.
            if (!answer.active && !answer.queued && Date.now() - started > 8000) {
                return end();
            }
            hasBeenActive = hasBeenActive || answer.active;
            show(answer);
            if (onProgress) {
                onProgress(answer);
            }
            setTimeout(poll, 250);
        }, end);
    }
    poll();
}
