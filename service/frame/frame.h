/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The common main() of all workers: it enters the sandbox, then serves one interface to berthd over
 * the socket with which the worker was started (sd-bus, peer to peer) until berthd closes it.
 * Long-running work is done by jobs in threads; the thread of the loop only sends and receives
 * messages.
 */

#pragma once

#include "base/bus-error.h"
#include "base/worker-members.h"
#include "frame/sandbox.h"

#include <systemd/sd-event.h>

/* The vtable of a worker with these members (base/worker-members.h). Each is handled by
 * method_HANDLER, and sd-bus refuses a call with another signature before it is read. */
#define BERTH_FRAME_METHOD(constant, handler, name, call, reply)                                   \
    SD_BUS_METHOD(name, call, reply, method_##handler, 0),
#define BERTH_FRAME_VTABLE(MEMBERS)                                                                \
    { SD_BUS_VTABLE_START(0), MEMBERS(BERTH_FRAME_METHOD) SD_BUS_VTABLE_END }

typedef struct BerthFrame BerthFrame;

/* The complete main() of a worker: "archive" is berth-archive, in the sandbox of that name. */
int berth_frame_main(const char *worker, const sd_bus_vtable *vtable);

/* Like berth_frame_main, with an explicit sandbox. prepare, which may be NULL, is called inside the
 * sandbox, before the first call is read. */
int berth_frame_run(const BerthSandbox *sandbox, const sd_bus_vtable *vtable,
                    bool (*prepare)(BerthFrame *frame, void *userdata, GError **error),
                    void *userdata);

sd_event *berth_frame_get_event(BerthFrame *frame);

/* For method handlers, whose userdata is the pointer passed to berth_frame_run. */
BerthFrame *berth_frame_get(void);

typedef bool (*BerthJobRun)(void *job, GError **error);
typedef int (*BerthJobReply)(void *job, sd_bus_message *reply);

/*
 * Runs run(job) in a separate thread, then answers call in the thread of the loop: with the error,
 * or with the values that reply(job, …) appends. Finally calls free_job. Takes ownership of job.
 */
int berth_frame_run_job(sd_bus_message *call, const char *name, void *job, BerthJobRun run,
                        BerthJobReply reply, GDestroyNotify free_job);

/* Reads a descriptor of a message as a close-on-exec duplicate owned by the caller. Returns a
 * negative errno on failure. */
int berth_frame_read_fd(sd_bus_message *message);
/* Like berth_frame_read_fd, for a client's descriptor, which is in an envelope (bare/envelope.h).
 * The directory with which a worker is started may also be in one. */
int berth_frame_read_client_fd(sd_bus_message *message);
