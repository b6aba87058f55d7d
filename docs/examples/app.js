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

// The journal has what it wrote. With the option Follow, the pipe continues with new lines.
function showOutput(container) {
    const [reply, files] = container.call_with_unix_fd_list_sync('Logs', new GLib.Variant('(a{sv})', [{}]),
        Gio.DBusCallFlags.NONE, -1, null, null);
    const pipe = new Gio.UnixInputStream({ fd: files.get(reply.deepUnpack()[0]), close_fd: true });
    const lines = new Gio.DataInputStream({ base_stream: pipe });

    for (let [line] = lines.read_line_utf8(null); line !== null; [line] = lines.read_line_utf8(null))
        print(`log: ${line}`);
    lines.close(null);
}

const [image, ...command] = ARGV;
const containers = proxy('/org/berth1/containers', 'Containers');
const [path] = call(containers, 'Create', '(ssa{sv})', ['', pull(image), { Command: new GLib.Variant('as', command) }]);
const container = proxy(path, 'Container');

print(`process: ${call(container, 'Start', '(a{sv})', [{}])[0]}`);
const [status] = call(container, 'Wait', '(sa{sv})', ['', {}]);
showOutput(container);
call(container, 'Delete', '(a{sv})', [{}]);
print(`exit status: ${status}`);
System.exit(status);
