/**
 * To be imported before a program, by `node --import`: ends the program gracefully when its stdin ends. The system closes the other end of
 * a pipe with the process that holds it, in whatever way that process died.
 */
import process from 'node:process';

process.stdin.once('end', () => process.kill(process.pid, 'SIGTERM')).resume();
// The program itself does not use stdin.
if ('unref' in process.stdin) process.stdin.unref();
