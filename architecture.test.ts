// Tests of the repository itself: who may import whom, what is public, how files are named, what the documents promise.
import './architecture/circles.js';
import './architecture/imports.js';
import './architecture/surface.js';
import './architecture/lanes.js';
import './architecture/documents.js';
import './architecture/words.js';
