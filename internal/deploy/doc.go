// Package deploy holds the tests of docker-compose.yml, of the Dockerfile and of
// the files in deploy/: that they say what the program understands. It promises
// nothing of the images that they name, and has no code of its own.
package deploy
