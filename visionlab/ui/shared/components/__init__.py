"""What must follow the pointer: small components in plain JavaScript, each in a folder of its own.

Each is one module, which a page calls, with the HTML, CSS and JavaScript that it gives the browser beside it. They lie
together, though most serve a single page today: none knows a page, and all are built alike.

    a picture   convolution_lab/, numbers/ (its values), cells/ (its cells), compare/ (before and after), pad/ (drawn),
                eraser/ (rubbed out)
    many        gallery/, space/ (on a plane), bars/ (classes), network_drawing/ (layers)
    a camera    camera/ (live), live_maps/ (a layer), burst/ (many pictures); all by webcam/
    coming in   paste_and_drop/ (one picture), drops/ (files onto cards, and what is refused)
    the page    history/ (Back), live_sliders/, popovers/, focus/
What they share: kept_picture/, choosing/, outbox/ (each event once), leaving/ (what is told before), looks/.
"""
