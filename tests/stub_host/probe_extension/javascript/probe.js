// Tells tests that scripts of extensions are loaded and called.
onUiLoaded(function() {
    window.probeLoaded = (window.probeLoaded || 0) + 1;
});
