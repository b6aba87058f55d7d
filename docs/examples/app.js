#!/usr/bin/gjs
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Pulls an image, runs a command in a container of it, and shows what that wrote; with GJS.
//
//     gjs app.js IMAGE COMMAND…

const { Gio, GLib } = imports.gi;
const System = imports.system;

function proxy(path, name) {
    return Gio.DBusProxy.new_for_bus_sync(Gio.BusType.SYSTEM, Gio.DBusProxyFlags.NONE, null, 'org.berth1', path,
        `org.berth1.${name}`, null);
}

// A person may be asked for a password, so there is no time limit.
function call(target, member, signature, args) {
    return target.call_sync(member, new GLib.Variant(signature, args),
        Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION, GLib.MAXINT32, null).recursiveUnpack();
}

function property(target, name) {
    return target.get_cached_property(name).recursiveUnpack();
}

function pull(image) {
    const [path] = call(proxy('/org/berth1/images', 'Images'), 'Pull', '(sa{sv})', [image, {}]);
    const transfer = proxy(path, 'Transfer');
    const loop = new GLib.MainLoop(null, false);

    const show = () => {
        print(`${property(transfer, 'State')}: ${property(transfer, 'Done')} of ${property(transfer, 'Total')} bytes`);
        if (property(transfer, 'State') !== 'running')
            loop.quit();
    };
    transfer.connect('g-properties-changed', show);
    show();
    // One that has ended meanwhile has its end in the cache, and changes no more.
    if (property(transfer, 'State') === 'running')
        loop.run();
    if (property(transfer, 'State') !== 'done') {
        printerr(property(transfer, 'Error')[1]);
        System.exit(1);
    }
    return property(transfer, 'Result').Name;
}

// A file that gets the container's output; without one the journal does.
function start(container) {
    const [file, stream] = Gio.File.new_tmp(null);
    const files = Gio.UnixFDList.new_from_array([stream.output_stream.get_fd()]);
    const options = new GLib.Variant('(a{sv})', [{ Stdout: new GLib.Variant('h', 0) }]);
    const [reply] = container.call_with_unix_fd_list_sync('Start', options, Gio.DBusCallFlags.NONE, -1, files, null);

    print(`process: ${reply.deepUnpack()[0]}`);
    return file;
}

function showOutput(file) {
    const [, contents] = file.load_contents(null);

    for (const line of new TextDecoder().decode(contents).trimEnd().split('\n'))
        print(`log: ${line}`);
    file.delete(null);
}

const [image, ...command] = ARGV;
const containers = proxy('/org/berth1/containers', 'Containers');
const [path] = call(containers, 'Create', '(ssa{sv})', ['', pull(image), { Command: new GLib.Variant('as', command) }]);
const container = proxy(path, 'Container');

const output = start(container);
const [status] = call(container, 'Wait', '(sa{sv})', ['', {}]);
showOutput(output);
call(container, 'Delete', '(a{sv})', [{}]);
print(`exit status: ${status}`);
System.exit(status);
