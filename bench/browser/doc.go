// Package browser lets three people do their work in a real Chromium against the
// real program: a member who taps at noon, a viewer in the middle of a show, an
// admin who watches it happen. All of it is tests.
//
// A journey is written in a few words (open, types, tap, sees, offline ...) that
// wait with a deadline for what they need, as a person does. The same words work
// for a finger on a narrow phone, a mouse on a laptop, and for somebody with
// nothing but a keyboard: then tap walks to the button with Tab, fails when the
// focus cannot be seen on the way, and presses Enter.
//
// Every page that anybody opens is watched until the test ends: an exception, an
// error on the console, a dialog, a violation of the content security policy or a
// request to another host fails it, whatever the journey was about.
//
// Portraits hold a state of a page against axe in three widths, light and dark,
// and keep a screenshot of each in the folder FIRSTCOME_SCREENSHOTS. They are
// there to be looked at.
package browser
