// Generated from docs/openapi.json by `npm run generate`. Do not edit.

export interface paths {
    "/api/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every change: who, what, from where; newest first */
        get: operations["listAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What changes, as it happens: a WebSocket, or server-sent events for `Accept: text/event-stream` */
        get: operations["followEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/host": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the host is made of and how it came up */
        get: operations["getHost"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/host/backup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** The host's configuration with its keys and VM definitions as one file, signed by its SSH key */
        post: operations["backUpHost"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/host/bridges": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Bridges of the host and what hangs on them, ordered by name */
        get: operations["listBridges"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/host/certificate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The certificate that HTTPS and gRPC are served with */
        get: operations["getHostCertificate"];
        /** Serve with another certificate; connections that stand are not ended */
        put: operations["putHostCertificate"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/host/certificate/regenerate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a key and a self-signed certificate for the name and the addresses that the host has now, and serve with them */
        post: operations["regenerateHostCertificate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/host/config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The host's settings: its name, time, SSH, the proxy */
        get: operations["getHostConfig"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Change settings of the host; they are in force when this is answered */
        patch: operations["patchHostConfig"];
        trace?: never;
    };
    "/api/v1/host/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The newest lines of one of the host's logs */
        get: operations["getHostLog"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/host/logs/follow": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The newest lines of a log, and then those that are added, as they are: a WebSocket, or server-sent events */
        get: operations["followHostLog"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/host/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** CPU, memory, disks and network of the host, over time */
        get: operations["getHostMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/host/network": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The host's own network: what is configured, what is in force, and whether a change waits to be confirmed */
        get: operations["getHostNetwork"];
        /** Try another network: it is set up once this is answered, and undone unless it is confirmed in time. VMs stay on the bridge */
        put: operations["putHostNetwork"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/host/network/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Keep the network that is on trial: over a connection that was made since it is in force */
        post: operations["confirmHostNetwork"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/host/network/undo": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give up the network that is on trial: the configured one is in force again */
        post: operations["undoHostNetwork"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/host/power": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Shut the host down or restart it; running VMs are asked to shut down first, for up to 2 minutes */
        post: operations["powerHost"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/host/reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Factory reset: restart the host, which comes up as after its installation; the console shows a one-time password */
        post: operations["resetHost"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/host/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Check a backup, all of it, then restart the host with what is in it */
        post: operations["restoreHost"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/host/services": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The host's services and how they do */
        get: operations["listHostServices"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/host/services/{service}/restart": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stop and start a service of the host; VMs run on. The node daemon answers first and is away for some seconds then */
        post: operations["restartHostService"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/host/support-bundle": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** State, logs and settings of the host as a gzip'ed tar file, without passwords, keys and tokens */
        get: operations["getHostSupportBundle"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/image-uploads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Uploads of images that are under way, or broke off: a part of known length is kept for a day */
        get: operations["listImageUploads"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/image-uploads/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Give up an upload that broke off */
        delete: operations["deleteImageUpload"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The image library, ordered by name */
        get: operations["listImages"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/images/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Add a file to the image library; it appears when it is complete */
        put: operations["uploadImage"];
        post?: never;
        /** Remove a file from the image library */
        delete: operations["deleteImage"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** CPU, memory, disks and network of the host and of each VM, every second: a WebSocket, or server-sent events */
        get: operations["followMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/networks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Virtual networks and the VMs on them, ordered by name */
        get: operations["listNetworks"];
        put?: never;
        /** Make a network; asking again with the same id and the same wish answers the one that is there */
        post: operations["createNetwork"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/networks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One network */
        get: operations["getNetwork"];
        put?: never;
        post?: never;
        /** Stop and remove a network that no VM has a NIC in */
        delete: operations["deleteNetwork"];
        options?: never;
        head?: never;
        /** Change a network; an active one works as before (`pending_restart`) until it was stopped and started */
        patch: operations["patchNetwork"];
        trace?: never;
    };
    "/api/v1/networks/{id}/start": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a network active; fine if it is */
        post: operations["startNetwork"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/networks/{id}/stop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** End a network that no running VM is on; fine if it is not active */
        post: operations["stopNetwork"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This document */
        get: operations["getOpenApi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pools": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Storage pools and the VMs that have disks in them, ordered by name */
        get: operations["listPools"];
        put?: never;
        /** Make a storage pool; asking again with the same id and the same wish answers the one that is there */
        post: operations["createPool"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pools/disks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The host's disks and whether a storage pool can be made of each, ordered by name */
        get: operations["listPoolDisks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pools/format": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Format a whole disk of the host and make a storage pool of it; one with data is refused unless `wipe` is set */
        post: operations["formatPool"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pools/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One storage pool */
        get: operations["getPool"];
        put?: never;
        post?: never;
        /** Stop and forget a storage pool that no VM has a disk in; what is in it stays */
        delete: operations["deletePool"];
        options?: never;
        head?: never;
        /** Change whether a storage pool starts with the host */
        patch: operations["patchPool"];
        trace?: never;
    };
    "/api/v1/pools/{id}/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Look at what is in a storage pool again: others may have put something there */
        post: operations["refreshPool"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pools/{id}/start": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a storage pool active; fine if it is */
        post: operations["startPool"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pools/{id}/stop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** End the use of a storage pool that no running VM has a disk in; fine if it is not active */
        post: operations["stopPool"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pools/{id}/volumes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The volumes of an active storage pool and the VMs that have them, ordered by name */
        get: operations["listVolumes"];
        put?: never;
        /** Make a volume: blank, a clone of another one (converted if need be), or of an image */
        post: operations["createVolume"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/pools/{id}/volumes/{volume}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One volume */
        get: operations["getVolume"];
        put?: never;
        post?: never;
        /** Remove a volume that no VM has, and what is in it */
        delete: operations["deleteVolume"];
        options?: never;
        head?: never;
        /** Make a volume that no running VM has larger or, with `shrink`, smaller */
        patch: operations["patchVolume"];
        trace?: never;
    };
    "/api/v1/pools/{id}/volumes/{volume}/content": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The bytes of a volume that no running VM has, all or one range of them */
        get: operations["downloadVolume"];
        /** Make a volume of a file that is sent: qcow2, raw, VMDK, VDI or VHDX, converted if need be */
        put: operations["uploadVolume"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who is logged in */
        get: operations["getSession"];
        put?: never;
        /** Log in with a password; sets the session cookie */
        post: operations["createSession"];
        /** Log out */
        delete: operations["deleteSession"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Change one's own password; one's other sessions end */
        post: operations["changePassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tasks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Work that is under way, and what is over of the last 30 days, 1000 at most; newest first */
        get: operations["listTasks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tasks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One task with its log */
        get: operations["getTask"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tasks/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ask a task to stop, which takes the role that asking for it takes; it stops where it safely can */
        post: operations["cancelTask"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** API tokens of one's own, or all for an administrator, without their secrets; oldest first */
        get: operations["listTokens"];
        put?: never;
        /** Make an API token; the answer is the only one that shows it */
        post: operations["createToken"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke an API token at once */
        delete: operations["deleteToken"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/updates": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The two slots, what is being written to one, and how the last update ended */
        get: operations["getUpdates"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/updates/apply": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Start the version in the other slot, on trial: it is confirmed when it is healthy, else the host goes back */
        post: operations["applyUpdate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/updates/check": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ask the feed now whether it has a newer version for this host */
        post: operations["checkUpdate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/updates/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Keep the version that is on trial without waiting for the health check */
        post: operations["confirmUpdate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/updates/fetch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ask the feed, and write its newest version for this host to the slot that does not run; `transfer` tells how it goes on */
        post: operations["fetchUpdate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/updates/reinstall": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Write the version that runs to the other slot once more, and read it back; `transfer` tells how it goes on */
        post: operations["reinstallUpdate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/updates/rollback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Go back to the version in the other slot: from a version on trial at once, from a confirmed one by a trial of the other; a version that waits for its trial is withdrawn, and nothing restarts */
        post: operations["rollBackUpdate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/updates/upload": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Write an update bundle (.qxu) to the slot that does not run, and read it back; nothing starts it yet */
        put: operations["uploadUpdate"];
        post?: never;
        /** End a transfer and forget it; a version that was just written, or waits for a restart, is taken out of its slot */
        delete: operations["discardUpdate"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Users, by name; root is not among them */
        get: operations["listUsers"];
        put?: never;
        /** Make a user */
        post: operations["createUser"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One user */
        get: operations["getUser"];
        put?: never;
        post?: never;
        /** Remove a user, their sessions and the tokens they made */
        delete: operations["deleteUser"];
        options?: never;
        head?: never;
        /** Change a user's role, state or password; their sessions end */
        patch: operations["patchUser"];
        trace?: never;
    };
    "/api/v1/vms": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** VMs, ordered by id */
        get: operations["listVms"];
        put?: never;
        /** Make a VM; asking again with the same id and the same wish answers the one that is there */
        post: operations["createVm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One VM */
        get: operations["getVm"];
        put?: never;
        post?: never;
        /** Remove a VM that is off */
        delete: operations["deleteVm"];
        options?: never;
        head?: never;
        /** Change a VM: at once where the guest can take it, the rest (`pending_restart`) when it was off */
        patch: operations["patchVm"];
        trace?: never;
    };
    "/api/v1/vms/{id}/cdrom": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Insert a CD, or eject it */
        put: operations["putVmCdrom"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/clone": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a VM like this one, which must be off: its disks are copied (sharing blocks on XFS), MAC addresses, firmware variables and an empty TPM are its own, snapshots stay behind, and it does not start with the host; asking again with the same id and the same wish answers the one that is there */
        post: operations["cloneVm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/console": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** WebSocket to the console that the ticket is for; needs a ticket of the same user, from the same Origin */
        get: operations["openVmConsole"];
        put?: never;
        /** Get a ticket that opens a console once */
        post: operations["createVmConsole"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/disks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a disk and plug it in, at once if the VM is on */
        post: operations["attachVmDisk"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/disks/{target}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Unplug a disk; from a VM that is on only its guest can let it go */
        delete: operations["detachVmDisk"];
        options?: never;
        head?: never;
        /** Make a disk larger, or limit its speed, at once */
        patch: operations["patchVmDisk"];
        trace?: never;
    };
    "/api/v1/vms/{id}/guest": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What the agent in the guest tells of it */
        get: operations["getGuest"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/guest/addresses": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The guest's network interfaces and their addresses */
        get: operations["listGuestAddresses"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/guest/exec": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Start a command in the guest; its output is fetched with its number */
        post: operations["execInGuest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/guest/exec/{pid}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether a command in the guest has ended, and its output, once: the agent forgets it then */
        get: operations["getGuestExec"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/guest/file": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A piece of a file in the guest */
        get: operations["readGuestFile"];
        /** Write a file in the guest, or more at its end */
        put: operations["writeGuestFile"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/guest/filesystems": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The guest's mounted file systems */
        get: operations["listGuestFilesystems"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/guest/freeze": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Hold the guest's file systems still, until they are thawed */
        post: operations["freezeGuest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/guest/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Set somebody's password in the guest */
        post: operations["setGuestPassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/guest/ping": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the agent in the guest answers */
        get: operations["pingGuest"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/guest/reboot": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Have the guest's agent restart it */
        post: operations["rebootGuest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/guest/shutdown": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Have the guest's agent shut it down, where the power button does nothing */
        post: operations["shutdownGuest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/guest/thaw": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let the guest's file systems go on */
        post: operations["thawGuest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/guest/time": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Set the guest's clock */
        post: operations["setGuestTime"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/guest/trim": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Give back what the guest's file systems do not use */
        post: operations["trimGuest"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** CPU, memory, disks and network of a VM, over time */
        get: operations["getVmMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/nics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Plug a NIC in, at once if the VM is on */
        post: operations["attachVmNic"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/nics/{mac}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Unplug a NIC; from a VM that is on only its guest can let it go */
        delete: operations["detachVmNic"];
        options?: never;
        head?: never;
        /** Limit the speed of a NIC, at once */
        patch: operations["patchVmNic"];
        trace?: never;
    };
    "/api/v1/vms/{id}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stop the vCPUs; the VM stays in memory */
        post: operations["pauseVm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/reboot": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ask the guest to restart; it may take its time, or not react */
        post: operations["rebootVm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Restart at once, as if the reset button was pressed */
        post: operations["resetVm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let the vCPUs run again, or wake a guest that sleeps */
        post: operations["resumeVm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/shutdown": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ask the guest to shut down; it may take its time, or not react */
        post: operations["shutdownVm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/snapshots": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A VM's snapshots, oldest first */
        get: operations["listVmSnapshots"];
        put?: never;
        /** Keep a VM as it is: with memory while it runs, the disks alone while it is off */
        post: operations["createVmSnapshot"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/snapshots/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Forget a snapshot; those after it lose nothing */
        delete: operations["deleteVmSnapshot"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/snapshots/{name}/revert": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Make a VM what it was; what it is now is lost */
        post: operations["revertVmSnapshot"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/start": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Power on */
        post: operations["startVm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/stop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Power off at once, as if the plug was pulled */
        post: operations["stopVm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/vms/{id}/suspend": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Write the memory to disk and power off; the next start goes on from there */
        post: operations["suspendVm"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the daemon is alive */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Counters of the host and of each VM, for Prometheus */
        get: operations["getPrometheusMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the host can manage VMs; the same document with status 503 if it can't */
        get: operations["getReadiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * @description What executes a guest's instructions.
         * @enum {string}
         */
        Accelerator: "kvm" | "tcg" | "test";
        /** @description An address of the host. */
        Address: {
            /** @description IPv4 or IPv6 address, without prefix length. */
            address: string;
            /** @description Network interface. */
            interface: string;
            /** @description How it was got. */
            origin: components["schemas"]["AddressOrigin"];
        };
        /**
         * @description How an address was got.
         * @enum {string}
         */
        AddressOrigin: "dhcp" | "static" | "auto";
        /** @description One change, or one try that was refused. */
        AuditEntry: {
            /** @description User, or token: `token:NAME`, with `USER/` before it when it is not root's. */
            actor: string;
            /**
             * Format: int64
             * @description Rises by one with each entry.
             */
            id: number;
            /** @description What was asked, such as `vm_start`. */
            operation: string;
            /** @description Where from: an IP address, or `local` for the host itself. */
            origin: string;
            /** @description `ok`, or why it failed. */
            outcome: string;
            /** @description What it was asked of: a VM's id, an image's name; empty when there is none. */
            target: string;
            /**
             * Format: date-time
             * @description When.
             */
            time: string;
        };
        /** @description Some of the audit log. */
        AuditPage: {
            /** @description Newest first. */
            items: components["schemas"]["AuditEntry"][];
            /** @description To be sent as `cursor` for older entries; `null` at the end. */
            next: string | null;
        };
        /**
         * @description What a host does with a newer version by itself.
         * @enum {string}
         */
        Automatic: "off" | "fetch" | "apply";
        /**
         * @description How a bond uses its cards.
         * @enum {string}
         */
        BondMode: "active-backup" | "802.3ad" | "balance-xor";
        /** @description How the image was booted. */
        Boot: {
            /** @description Identity of the image. */
            build_id: string;
            /** @description Where `/quantix` lies. */
            config: components["schemas"]["Storage"];
            /**
             * Format: int64
             * @description Bytes read.
             */
            copy_bytes: number;
            /**
             * Format: int64
             * @description Milliseconds that reading and verifying it took.
             */
            copy_ms: number;
            /** @description Where `/data` lies. */
            data: components["schemas"]["Storage"];
            /** @description Which key signed it. */
            key_id: string;
            /** @description From media, or from an installed slot. */
            mode: components["schemas"]["BootMode"];
            /**
             * Format: int64
             * @description Milliseconds from the kernel's start until this host was ready for the first time; `null` until then.
             */
            ready_ms: number | null;
            /** @description `A` or `B` when booted from a slot. */
            slot: string | null;
            /** @description Device that it was read from. */
            source: string;
            /** @description Version of the image. */
            version: string;
            /** @description What was wrong on the way up, each a sentence. */
            warnings: string[];
            /** @description Driver of the armed watchdog; `null` if there is none. */
            watchdog: string | null;
        };
        /**
         * @description What was booted from.
         * @enum {string}
         */
        BootMode: "live" | "slot";
        /** @description A bridge of the host. */
        Bridge: {
            /** @description The kernel's name. */
            name: string;
            /** @description Names of the networks that lead to it. */
            networks: string[];
            /** @description Interfaces on it that are no VM's. */
            ports: string[];
            /** @description VMs on it, by name. */
            used_by: components["schemas"]["NetworkUser"][];
            /** @description It tells VLANs apart. */
            vlan_filtering: boolean;
        };
        /** @description All bridges of the host. */
        BridgePage: {
            /** @description Ordered by name. */
            items: components["schemas"]["Bridge"][];
        };
        /** @description What is in the CD drive. */
        Cdrom: {
            /** @description Also if the guest has locked the drive. */
            force?: boolean;
            /** @description An ISO file of the image library; left out, the disc is taken out. */
            image?: string | null;
        };
        /** @description One check of readiness. */
        Check: {
            /** @description What was found. */
            detail: string;
            /** @description What was checked: `hypervisor`, `data` or `network`. */
            name: string;
            /** @description It passed. */
            ok: boolean;
        };
        /**
         * @description What cloud-init in the guest sets up at its first start. It gets it on a CD of its own; a clone gets one with its own
         *     identity.
         */
        CloudInit: {
            /** @description A host name or fully qualified domain name, at most 64 characters; made of the VM's name when left out. */
            hostname?: string | null;
            /** @description How to set up the VM's NICs, in their order; left to the image, usually DHCP, when left out. */
            network?: components["schemas"]["GuestNic"][];
            /** @description 1 to 256 characters. The guest gets a SHA-512 crypt hash of it; whether it is good for SSH is the image's choice. */
            password?: string | null;
            /** @description Public keys as in a `.pub` file, at most 64. */
            ssh_keys?: string[];
            /**
             * @description The account that the password and the keys are for: 1 to 32 lower-case letters, digits, `_` or `-`; the one that
             *     the image has for it when left out.
             */
            user?: string | null;
            /**
             * @description The guest's own user-data (`#cloud-config`, a script that begins with `#!`, …), at most 512 KiB, in place of `user`,
             *     `password` and `ssh_keys`.
             */
            user_data?: string | null;
        };
        /**
         * @description Which configuration was applied.
         * @enum {string}
         */
        ConfigSource: "current" | "generation" | "defaults";
        /** @description Where the running configuration came from. */
        ConfigStatus: {
            /**
             * Format: int64
             * @description Which generation, when it was an older one.
             */
            generation: number | null;
            /** @description What was wrong, each a sentence that names the line. */
            problems: string[];
            /** @description The file itself, an older generation of it, or defaults. */
            source: components["schemas"]["ConfigSource"];
        };
        /** @description Which console to open. */
        ConsoleRequest: {
            /** @description Kind of console. */
            type: components["schemas"]["ConsoleType"];
        };
        /** @description Opens one WebSocket to a console, once. */
        ConsoleTicket: {
            /**
             * Format: int64
             * @description Seconds until it stops working.
             */
            expires_in_s: number;
            /** @description To be sent as `ticket` to `GET /api/v1/vms/{id}/console`. */
            ticket: string;
        };
        /**
         * @description Kinds of console.
         * @enum {string}
         */
        ConsoleType: "serial" | "vnc";
        /** @description Processors. */
        Cpu: {
            /**
             * Format: int32
             * @description Cores of all sockets.
             */
            cores: number;
            /** @description Model, as the processor names itself. */
            model: string;
            /**
             * Format: int32
             * @description Sockets in use.
             */
            sockets: number;
            /**
             * Format: int32
             * @description Threads of all cores.
             */
            threads: number;
        };
        /**
         * @description What VM disks lie on.
         * @enum {string}
         */
        DataKind: "disk" | "ram";
        /** @description The file system that VM disks lie on. */
        DataUsage: {
            /**
             * Format: int64
             * @description Free for use.
             */
            free_bytes: number;
            /** @description Whether it outlives a reboot. */
            kind: components["schemas"]["DataKind"];
            /** @description Directory. */
            path: string;
            /**
             * Format: int64
             * @description Size of its file system.
             */
            total_bytes: number;
        };
        /** @description An address that one NIC always gets. */
        DhcpReservation: {
            /** @description An address of the network. */
            address: string;
            /** @description The NIC's, such as `52:54:00:12:34:56`. */
            mac: string;
            /** @description Host name that it is given too. */
            name?: string | null;
        };
        /** @description One drive of a VM. */
        Disk: {
            /** @description It is a CD drive. */
            cdrom: boolean;
            /** @description How fast it may be. */
            limits: components["schemas"]["DiskLimits"];
            /** @description File or block device on the host; `null` is an empty drive. */
            path: string | null;
            /**
             * Format: int64
             * @description Bytes that the guest sees; `null` for CDs and where it can't be told.
             */
            size_bytes: number | null;
            /** @description Guest device name, such as `vda`. */
            target: string;
        };
        /** @description A disk to be made and plugged in: blank with a size, or a copy of an image, grown if a size is given too. */
        DiskAttach: {
            /** @description A file of the image library to copy. */
            image?: string | null;
            /** @description How fast it may be. */
            limits?: components["schemas"]["DiskLimits"];
            /**
             * Format: uuid
             * @description The pool to make it in; the VM's own directory on the data disk if not given.
             */
            pool?: string | null;
            /**
             * Format: int64
             * @description Virtual size: a multiple of 512, at most 64 TiB.
             */
            size_bytes?: number | null;
            volume?: components["schemas"]["VolumeRef"] | null;
        };
        /** @description A disk to be made: blank with a size, or a copy of an image, grown if a size is given too. */
        DiskCreate: {
            /** @description A file of the image library to copy. */
            image?: string | null;
            /**
             * Format: uuid
             * @description The pool to make it in; the VM's own directory on the data disk if not given.
             */
            pool?: string | null;
            /**
             * Format: int64
             * @description Virtual size: a multiple of 512, at most 64 TiB.
             */
            size_bytes?: number | null;
            volume?: components["schemas"]["VolumeRef"] | null;
        };
        /** @description How fast a disk may be; 0 is no limit. */
        DiskLimits: {
            /**
             * Format: int64
             * @description Bytes a second.
             * @default 0
             */
            read_bytes_sec: number;
            /**
             * Format: int64
             * @description Requests a second.
             * @default 0
             */
            read_iops: number;
            /**
             * Format: int64
             * @description Bytes a second.
             * @default 0
             */
            write_bytes_sec: number;
            /**
             * Format: int64
             * @description Requests a second.
             * @default 0
             */
            write_iops: number;
        };
        /** @description A change to a disk: what is left out stays as it is. */
        DiskPatch: {
            limits?: components["schemas"]["DiskLimits"] | null;
            /**
             * Format: int64
             * @description A larger virtual size: a multiple of 512, at most 64 TiB.
             */
            size_bytes?: number | null;
        };
        /** @description One change. */
        Event: {
            /** @description Which file of the image library, for `image.changed`. */
            image: string | null;
            /**
             * Format: int64
             * @description Rises with each event; send the last one seen as `since` to continue from there.
             */
            seq: number;
            task: components["schemas"]["Task"] | null;
            /**
             * Format: date-time
             * @description When it was seen.
             */
            time: string;
            /** @description What it is about. */
            type: components["schemas"]["EventType"];
            vm: components["schemas"]["Vm"] | null;
            /**
             * Format: uuid
             * @description Which VM, for events about one.
             */
            vm_id: string | null;
        };
        /**
         * @description What an event is about.
         * @enum {string}
         */
        EventType: "vm.changed" | "vm.removed" | "image.changed" | "networks.changed" | "pools.changed" | "host.changed" | "updates.changed" | "access.changed" | "snapshots.changed" | "task.changed" | "resync";
        /** @description Why a version does not run. */
        Failure: {
            /** @description For people, in words. */
            detail: string;
            /** @description For programs. */
            reason: components["schemas"]["FailureReason"];
        };
        /**
         * @description Why a version does not run.
         * @enum {string}
         */
        FailureReason: "refused" | "kernel" | "init" | "verify" | "system" | "daemon" | "network" | "services" | "user" | "unknown";
        /** @description A directory of a web server with newer versions, as far as it was asked since the daemon started. */
        Feed: {
            /** @description What the host does with a newer version by itself. */
            automatic: components["schemas"]["Automatic"];
            /** @description Which of its releases are meant. */
            channel: string;
            /**
             * Format: date-time
             * @description When it was asked last; `null` before the first time.
             */
            checked_at: string | null;
            /**
             * Format: date-time
             * @description When the host asks it by itself.
             */
            next_check_at: string;
            offer: components["schemas"]["Offer"] | null;
            /** @description Why it could not be asked, or is not believed, in words; `null` when it answered. */
            problem: string | null;
            /** @description The directory. */
            url: string;
            window: components["schemas"]["MaintenanceWindow"] | null;
        };
        /** @description One refused field of a request. */
        FieldProblem: {
            /** @description Path of the field, such as `disks[0].size_bytes`. */
            field: string;
            /** @description What is allowed. */
            reason: string;
        };
        /**
         * @description The firmware a VM starts with.
         * @enum {string}
         */
        Firmware: "bios" | "uefi" | "uefi_secure_boot";
        /** @description A guest's network interfaces. */
        GuestAddresses: {
            /** @description In the guest's order. */
            items: components["schemas"]["GuestInterface"][];
        };
        /** @description A command to run in a guest. No shell reads it. */
        GuestExec: {
            /** @description Its arguments; at most 256. */
            args?: string[];
            /** @description Its variables, each `NAME=VALUE`, in the place of the agent's own. */
            env?: string[];
            /**
             * Format: byte
             * @description What it reads: at most 262144 bytes, in Base64.
             */
            input?: string;
            /** @description The program: a path, or a name that the guest finds. */
            path: string;
        };
        /** @description A command that runs in a guest. */
        GuestExecStarted: {
            /**
             * Format: int64
             * @description The guest's number of it.
             */
            pid: number;
        };
        /** @description How far a command is. Its output is told once: with its end. */
        GuestExecStatus: {
            /**
             * Format: int64
             * @description What it ended with.
             */
            exit_code: number | null;
            /** @description It has ended. */
            exited: boolean;
            /**
             * Format: int64
             * @description The signal, or on Windows the exception, that ended it.
             */
            signal: number | null;
            /**
             * Format: byte
             * @description Standard error, in Base64.
             */
            stderr: string;
            /**
             * Format: byte
             * @description Standard output, in Base64.
             */
            stdout: string;
            /** @description It wrote more than the agent keeps. */
            truncated: boolean;
        };
        /** @description A piece of a file in a guest. */
        GuestFilePiece: {
            /**
             * Format: byte
             * @description Its bytes, in Base64.
             */
            data: string;
            /** @description The file ends with it. */
            eof: boolean;
        };
        /** @description What to write to a file in a guest. */
        GuestFileWrite: {
            /** @description After what is there, instead of in its place. */
            append?: boolean;
            /**
             * Format: byte
             * @description At most 262144 bytes, in Base64.
             */
            data: string;
            /** @description The file, made if it is not there. */
            path: string;
        };
        /** @description A mounted file system of a guest. */
        GuestFilesystem: {
            /** @description Where it is. */
            mount_point: string;
            /** @description Device, such as `vda1`. */
            name: string;
            /**
             * Format: int64
             * @description Bytes of it.
             */
            total_bytes: number | null;
            /** @description Such as `ext4`. */
            type: string;
            /**
             * Format: int64
             * @description Bytes in use.
             */
            used_bytes: number | null;
        };
        /** @description A guest's mounted file systems. */
        GuestFilesystems: {
            /** @description In the guest's order. */
            items: components["schemas"]["GuestFilesystem"][];
        };
        /** @description Which file systems to hold still. */
        GuestFreeze: {
            /** @description Where they are mounted; at most 64. All of them if none is given. */
            mount_points?: string[];
        };
        /** @description How many file systems were frozen or thawed. */
        GuestFrozen: {
            /**
             * Format: int64
             * @description The number of file systems.
             */
            filesystems: number;
        };
        /** @description The guest, in its own words. What its agent can't tell is `null`. */
        GuestInfo: {
            /** @description Version of the agent. */
            agent_version: string;
            /** @description The agent's commands that are not switched off. */
            commands: string[];
            /** @description Its file systems are frozen. */
            frozen: boolean | null;
            /** @description Host name. */
            hostname: string | null;
            os: components["schemas"]["GuestOs"] | null;
            /**
             * Format: date-time
             * @description Its clock.
             */
            time: string | null;
            time_zone: components["schemas"]["GuestTimeZone"] | null;
            /** @description Who is logged in. */
            users: components["schemas"]["GuestUser"][] | null;
        };
        /** @description A network interface of a guest. */
        GuestInterface: {
            /** @description Such as `192.0.2.7/24`. */
            addresses: string[];
            /** @description MAC address, lower case, colons. */
            mac: string | null;
            /** @description Such as `eth0`. */
            name: string;
        };
        /** @description How the guest sets up one NIC. */
        GuestNic: {
            /** @description `ADDRESS/PREFIX`, IPv4 and IPv6, at most 16; asked for by DHCP when there is none. */
            addresses?: string[];
            /** @description Addresses of name servers, at most 8. */
            dns?: string[];
            /** @description Default gateways: at most one for IPv4 and one for IPv6. */
            gateways?: string[];
        };
        /** @description A guest's operating system. */
        GuestOs: {
            /** @description Such as `debian`, `mswindows`. */
            id: string | null;
            /** @description Release of the kernel. */
            kernel_release: string | null;
            /** @description Such as `x86_64`. */
            machine: string | null;
            /** @description Such as `Debian GNU/Linux`. */
            name: string | null;
            /** @description Such as `Debian GNU/Linux 13 (trixie)`. */
            pretty_name: string | null;
            /** @description Such as `13`. */
            version_id: string | null;
        };
        /** @description A password to set in a guest. */
        GuestPassword: {
            /** @description It is a hash, as `crypt` makes. */
            crypted?: boolean;
            /** @description The password, or its hash: 1 to 1024 bytes. */
            password: string;
            /** @description Whose. */
            username: string;
        };
        /** @description What a guest's clock is to show. */
        GuestTime: {
            /**
             * Format: date-time
             * @description The time; the host's if not given.
             */
            time?: string | null;
        };
        /** @description A guest's time zone. */
        GuestTimeZone: {
            /** @description Such as `CET`. */
            name: string | null;
            /**
             * Format: int32
             * @description Seconds east of UTC.
             */
            offset_s: number;
        };
        /** @description Somebody who is logged in to a guest. */
        GuestUser: {
            /** @description Windows domain. */
            domain: string | null;
            /** @description Name. */
            name: string;
            /**
             * Format: date-time
             * @description Since when.
             */
            since: string;
        };
        /** @description The host as it is now. */
        Host: {
            /** @description Addresses that other machines reach the host by. */
            addresses: components["schemas"]["Address"][];
            boot: components["schemas"]["Boot"] | null;
            /** @description Identity of the booted image; `null` when the daemon runs outside of one. */
            build_id: string | null;
            /** @description SHA-256 of the certificate that this daemon serves, as lower-case hex. */
            certificate_sha256: string;
            config: components["schemas"]["ConfigStatus"] | null;
            /** @description Processors. */
            cpu: components["schemas"]["Cpu"];
            /** @description Where VM disks lie. */
            data: components["schemas"]["DataUsage"];
            /** @description Host name. */
            hostname: string;
            /** @description What runs the VMs. */
            hypervisor: components["schemas"]["Hypervisor"];
            /** @description Main memory. */
            memory: components["schemas"]["Memory"];
            /** @description `Quantix-OS`. */
            product: string;
            /** @description An SSH server is running. */
            ssh_enabled: boolean;
            /**
             * Format: int64
             * @description Seconds since the kernel started.
             */
            uptime_s: number;
            /** @description Version of the daemon. */
            version: string;
        };
        /** @description How a backup is protected: by a passphrase, or not at all. One of the two has to be asked for. */
        HostBackup: {
            /** @description 12 to 256 characters, needed again to restore. */
            passphrase?: string | null;
            /** @description Leave it readable: keys and password hashes are in it. */
            unencrypted?: boolean;
        };
        /** @description A certificate (RFC 5280). */
        HostCertificate: {
            /**
             * Format: int32
             * @description Certificates that are sent: itself, and those that lead to its authority.
             */
            chain: number;
            /** @description Who says so. */
            issuer: string;
            /** @description Kind of its key, such as `ECDSA P-256`. */
            key: string;
            /** @description DNS names and IP addresses that it is good for. */
            names: string[];
            /**
             * Format: date-time
             * @description It is good until then.
             */
            not_after: string;
            /**
             * Format: date-time
             * @description It is good from then on.
             */
            not_before: string;
            /** @description It vouches for itself: it is trusted by its fingerprint, or not at all. */
            self_signed: boolean;
            /** @description SHA-256 of its DER form, as lower-case hex. */
            sha256: string;
            /** @description Whom it is for. */
            subject: string;
        };
        /** @description A certificate to serve with. */
        HostCertificatePut: {
            /** @description PEM: the host's own, and behind it those that lead to its authority; at most 10. */
            certificate: string;
            /** @description PEM: its private key, not encrypted (PKCS #8, PKCS #1 or SEC 1). It is never answered. */
            key: string;
        };
        /** @description The host's settings, as they are stored. */
        HostConfig: {
            /** @description Its name. */
            hostname: string;
            /** @description Time servers. */
            ntp: string[];
            /** @description How the host reaches web servers. */
            proxy: components["schemas"]["HostProxy"];
            /** @description Changes with everything that is stored; the `ETag`. */
            revision: string;
            /** @description Remote shell. */
            ssh: components["schemas"]["HostSsh"];
            /** @description Local time, by its name in the tz database. */
            timezone: string;
        };
        /** @description What is to be different; what is not there stays as it is. */
        HostConfigPatch: {
            /** @description Labels of letters, digits and `-`, joined by `.`; at most 64 characters. */
            hostname?: string | null;
            /** @description Names or addresses, at most 16. */
            ntp?: string[] | null;
            proxy?: components["schemas"]["HostProxyPatch"] | null;
            ssh?: components["schemas"]["HostSshPatch"] | null;
            /** @description Such as `Europe/Berlin`. */
            timezone?: string | null;
        };
        /** @description Where the host's IPv4 address comes from. */
        HostIpv4: {
            /** @description For `static`: with the length of the network's prefix, such as `192.168.1.10/24`. */
            address?: string | null;
            /** @description For `static`: the default gateway, in the same network. */
            gateway?: string | null;
            /** @description How. */
            method: components["schemas"]["HostIpv4Method"];
        };
        /**
         * @description Where an IPv4 address comes from.
         * @enum {string}
         */
        HostIpv4Method: "dhcp" | "static" | "none";
        /** @description Where the host's IPv6 addresses come from. */
        HostIpv6: {
            /** @description For `static`: with the length of the network's prefix, such as `2001:db8::10/64`. */
            address?: string | null;
            /** @description For `static`: the default gateway, in the same network or link-local. */
            gateway?: string | null;
            /** @description How. */
            method: components["schemas"]["HostIpv6Method"];
        };
        /**
         * @description Where IPv6 addresses come from.
         * @enum {string}
         */
        HostIpv6Method: "auto" | "static" | "none";
        /** @description Lines of a log. */
        HostLog: {
            /** @description The oldest first. Text as it was logged: it may hold what others sent to this host. */
            lines: string[];
            /** @description The log. */
            log: components["schemas"]["HostLogName"];
        };
        /**
         * @description The logs of a host.
         * @enum {string}
         */
        HostLogName: "system" | "daemon" | "kernel" | "boot" | "install";
        /** @description The host's own network. */
        HostNetwork: {
            /** @description What is stored, and in force after a restart. */
            configured: components["schemas"]["ManagementNetwork"];
            /** @description Fields of `configured` that `in_force` differs in. */
            differs: string[];
            in_force: components["schemas"]["ManagementNetwork"] | null;
            /** @description The interface that carries the host's addresses. */
            interface: string | null;
            previous: components["schemas"]["ManagementNetwork"] | null;
            /** @description What is not as `in_force` wants it, in sentences. */
            problems: string[];
            /** @description Changes with what is configured and with every step of a change; the `ETag`. */
            revision: string;
            trial: components["schemas"]["NetworkTrial"] | null;
            undone: components["schemas"]["NetworkUndone"] | null;
        };
        /** @description A network to try. */
        HostNetworkChange: {
            /**
             * Format: int32
             * @description How long it waits to be confirmed once it is in force, in seconds: 10 to 600.
             */
            confirm_within_s?: number;
            /** @description All of it. */
            network: components["schemas"]["ManagementNetwork"];
        };
        /** @description Down with the host. */
        HostPower: {
            /** @description And up again, or not. */
            action: components["schemas"]["HostPowerAction"];
        };
        /**
         * @description How a host goes down.
         * @enum {string}
         */
        HostPowerAction: "reboot" | "shutdown";
        /** @description How the host reaches web servers. */
        HostProxy: {
            /** @description Authorities that are believed besides those of the image, in PEM. */
            ca_certificates: string[];
            /** @description The proxy for HTTPS, such as `http://proxy.example.org:3128`. */
            https: string | null;
        };
        /** @description What is to be different about the way to web servers. */
        HostProxyPatch: {
            /** @description All of them, in PEM. */
            ca_certificates?: string[] | null;
            /** @description `http://HOST:PORT`, or empty for none. */
            https?: string | null;
        };
        /** @description A factory reset. */
        HostReset: {
            /** @description The host's name, so that it is no mistake. */
            confirm: string;
            /** @description What is forgotten. */
            scope: components["schemas"]["ResetScope"];
        };
        /** @description What the restart puts into force. */
        HostRestored: {
            /** @description The host's name then. */
            hostname: string;
            /**
             * Format: date-time
             * @description When it did.
             */
            made_at: string;
            /** @description Name of the host that made the backup. */
            made_by: string;
            /** @description What of the backup is not taken, in sentences. */
            notes: string[];
            /** @description Fingerprint of the SSH host key that signed it, as that host's console shows it. */
            signed_by: string;
            /** @description Version that ran there. */
            version: string;
        };
        /** @description A service. */
        HostService: {
            /** @description Its name in OpenRC: `qx-node`, `libvirtd`, `chronyd` or `sshd`. */
            name: string;
            /** @description How it does. */
            state: components["schemas"]["HostServiceState"];
        };
        /** @description All of them. */
        HostServiceList: {
            /** @description In a fixed order. */
            items: components["schemas"]["HostService"][];
        };
        /**
         * @description How a service does.
         * @enum {string}
         */
        HostServiceState: "running" | "starting" | "stopping" | "stopped" | "failed";
        /** @description Remote shell. */
        HostSsh: {
            /** @description Keys that may log in as root; when there are any, passwords may not. */
            authorized_keys: string[];
            /** @description It is on, at every boot too. */
            enabled: boolean;
            /**
             * Format: int64
             * @description How long it is on for now, in seconds, whatever `enabled` says; `null` if it is not.
             */
            on_for_s: number | null;
        };
        /** @description What is to be different about SSH. */
        HostSshPatch: {
            /** @description All of them. */
            authorized_keys?: string[] | null;
            /** @description On at every boot too, or off at once. */
            enabled?: boolean | null;
            /**
             * Format: int32
             * @description On for so many minutes, at most a day, and not after a restart; 0 ends that.
             */
            on_for_minutes?: number | null;
        };
        /** @description What runs the VMs. */
        Hypervisor: {
            accelerator: components["schemas"]["Accelerator"] | null;
            /** @description Version of libvirt; `null` while it does not answer. */
            libvirt_version: string | null;
            /** @description What a person should know about it, or why it does not answer; `null` when all is well. */
            note: string | null;
            /** @description Version of QEMU; `null` where no QEMU is involved. */
            qemu_version: string | null;
        };
        /** @description One file of the image library. */
        Image: {
            /** @description What its content says it is. */
            format: components["schemas"]["ImageFormat"];
            /** @description File name, unique in the library. */
            name: string;
            /**
             * Format: int64
             * @description Size of the file.
             */
            size_bytes: number;
            /**
             * Format: int64
             * @description Size of the disk that it describes: that of the file, but for qcow2.
             */
            virtual_bytes: number;
        };
        /**
         * @description Formats of images.
         * @enum {string}
         */
        ImageFormat: "raw" | "qcow2" | "iso";
        /** @description The image library. */
        ImagePage: {
            /** @description Ordered by name. */
            items: components["schemas"]["Image"][];
        };
        /** @description An upload that is under way, or broke off and can be gone on with for a day. */
        ImageUpload: {
            /** @description What the image will be called. */
            name: string;
            /**
             * Format: int64
             * @description Bytes that are here: where to go on.
             */
            received_bytes: number;
            /**
             * Format: int64
             * @description How many of the last bytes that are here `tail_sha256` is of, at most 1 MiB.
             */
            tail_bytes: number;
            /** @description SHA-256 of them as lower-case hex: compare it with the same part of your file before you go on. */
            tail_sha256: string;
            /**
             * Format: int64
             * @description Bytes that the whole has.
             */
            total_bytes: number;
            /** @description Somebody is sending it now. */
            under_way: boolean;
        };
        /** @description Images of which a part has arrived. */
        ImageUploadPage: {
            /** @description Ordered by name. */
            items: components["schemas"]["ImageUpload"][];
        };
        /** @description A target of an iSCSI server. */
        IscsiSource: {
            /** @description Name or address of its portal. */
            host: string;
            /** @description Who we are to the server; the host's own name if not given. */
            initiator?: string | null;
            /**
             * Format: int32
             * @description 3260 if not given.
             */
            port?: number | null;
            /** @description Such as `iqn.2026-01.org.example:disks`. */
            target: string;
        };
        /** @description A change of the running version. */
        LastUpdate: {
            /** @description Identity of its image. */
            build_id: string;
            failure: components["schemas"]["Failure"] | null;
            /** @description The version that ran before. */
            from_version: string;
            /** @description How it ended. */
            outcome: components["schemas"]["UpdateOutcome"];
            /** @description The slot that it is in. */
            slot: components["schemas"]["SlotName"];
            /**
             * Format: date-time
             * @description When it was asked for.
             */
            started_at: string;
            /** @description The version that was to run. */
            version: string;
        };
        /** @description Credentials of a person. */
        LoginRequest: {
            /** @description Password, in the clear inside TLS. */
            password: string;
            /** @description User name; `root` is the host's own administrator. */
            username: string;
        };
        /** @description A volume group of LVM. */
        LvmSource: {
            /** @description Disks to make the group of, such as `/dev/sdb`; none takes a group that is there. They must be empty. */
            devices?: string[];
            /** @description Its name. */
            group: string;
        };
        /** @description The maintenance window that is open, or the next one. */
        MaintenanceWindow: {
            /**
             * Format: date-time
             * @description The first moment after it.
             */
            ends_at: string;
            /**
             * Format: date-time
             * @description Its first moment.
             */
            starts_at: string;
        };
        /** @description How the host is reached. */
        ManagementNetwork: {
            /** @description How a bond uses its cards; of no meaning for one card. */
            bond_mode?: components["schemas"]["BondMode"];
            /** @description Name servers, at most 3; none are those of DHCP. */
            dns?: string[];
            /**
             * @description Network cards that carry it, by name or MAC address, at most 8; two or more make a bond. `["auto"]` is the
             *     first with a link.
             */
            interfaces: string[];
            /** @description IPv4. */
            ipv4: components["schemas"]["HostIpv4"];
            /** @description IPv6. */
            ipv6: components["schemas"]["HostIpv6"];
            /**
             * Format: int32
             * @description VLAN that the host's own addresses are in, 1 to 4094; `null` is untagged.
             */
            vlan?: number | null;
        };
        /** @description Main memory. */
        Memory: {
            /**
             * Format: int64
             * @description What could be used without swapping.
             */
            available_bytes: number;
            /**
             * Format: int64
             * @description What the kernel manages.
             */
            total_bytes: number;
        };
        /** @description Figures of one second, of the host and of all VMs that are not off. */
        MetricsSample: {
            /** @description The host's. */
            host: components["schemas"]["MetricsValues"];
            /**
             * Format: date-time
             * @description When.
             */
            time: string;
            /** @description Those of the VMs, in id order. */
            vms: components["schemas"]["VmMetrics"][];
        };
        /**
         * @description Figures of the past. Point `n` of each list begins at `start` plus `n` times `step_s` seconds and is the mean
         *     of that step; `null` where nothing was measured. All lists are equally long.
         */
        MetricsSeries: {
            /** @description Processors kept busy: CPU seconds a second. A VM's include its emulator. */
            cpu_cores: (number | null)[];
            /** @description Bytes read from disks a second. */
            disk_read_bytes_per_s: (number | null)[];
            /** @description Read requests a second. */
            disk_reads_per_s: (number | null)[];
            /** @description Bytes written to disks a second. */
            disk_write_bytes_per_s: (number | null)[];
            /** @description Write requests a second. */
            disk_writes_per_s: (number | null)[];
            /** @description Memory in use, in bytes: of the host, or what a VM holds of it. */
            memory_bytes: (number | null)[];
            /** @description Bytes received a second: by the host's network cards, or by the guest. */
            net_rx_bytes_per_s: (number | null)[];
            /** @description Bytes sent a second: by the host's network cards, or by the guest. */
            net_tx_bytes_per_s: (number | null)[];
            /**
             * Format: date-time
             * @description Where the first point begins.
             */
            start: string;
            /**
             * Format: int64
             * @description Seconds from one point to the next.
             */
            step_s: number;
        };
        /** @description Figures of one second; `null` is what was not measured. */
        MetricsValues: {
            /**
             * Format: float
             * @description Processors kept busy: CPU seconds a second. A VM's include its emulator.
             */
            cpu_cores: number | null;
            /**
             * Format: float
             * @description Bytes read from disks a second.
             */
            disk_read_bytes_per_s: number | null;
            /**
             * Format: float
             * @description Read requests a second.
             */
            disk_reads_per_s: number | null;
            /**
             * Format: float
             * @description Bytes written to disks a second.
             */
            disk_write_bytes_per_s: number | null;
            /**
             * Format: float
             * @description Write requests a second.
             */
            disk_writes_per_s: number | null;
            /**
             * Format: float
             * @description Memory in use, in bytes: of the host, or what a VM holds of it.
             */
            memory_bytes: number | null;
            /**
             * Format: float
             * @description Bytes received a second: by the host's network cards, or by the guest.
             */
            net_rx_bytes_per_s: number | null;
            /**
             * Format: float
             * @description Bytes sent a second: by the host's network cards, or by the guest.
             */
            net_tx_bytes_per_s: number | null;
        };
        /** @description A network. */
        Network: {
            /** @description VMs on it can be started. */
            active: boolean;
            /** @description Starts with the host, and when a VM needs it. */
            autostart: boolean;
            /** @description The bridge of the host; NAT and isolated networks have one of their own. */
            bridge: string | null;
            /**
             * Format: uuid
             * @description For life.
             */
            id: string;
            ipv4: components["schemas"]["NetworkIpv4"] | null;
            /** @description How VMs on it reach others. */
            mode: components["schemas"]["NetworkMode"];
            /** @description As libvirt has it. */
            name: string;
            /** @description It works otherwise than shown until it was stopped and started. */
            pending_restart: boolean;
            /** @description Different whenever the configuration is; also the `ETag`. */
            revision: string;
            /** @description VMs that have a NIC in it, by name. */
            used_by: components["schemas"]["NetworkUser"][];
            /** @description Tags on the bridge. */
            vlan: components["schemas"]["NetworkVlan"];
        };
        /** @description A network to make. */
        NetworkCreate: {
            /** @description Start it now, with the host, and when a VM needs it; so if not given. */
            autostart?: boolean;
            /** @description A bridge of the host, such as `br0`; for `bridge` alone. */
            bridge?: string | null;
            /**
             * Format: uuid
             * @description The host chooses one if not given.
             */
            id?: string | null;
            ipv4?: components["schemas"]["NetworkIpv4"] | null;
            /** @description `other` is refused. */
            mode: components["schemas"]["NetworkMode"];
            /** @description 1 to 15 letters, digits, `.`, `_` or `-`. */
            name: string;
            vlan?: components["schemas"]["NetworkVlan"] | null;
        };
        /** @description What DHCP hands out. */
        NetworkDhcp: {
            /** @description The last one. */
            end: string;
            /** @description Addresses that belong to one NIC each; at most 1024. */
            reservations?: components["schemas"]["DhcpReservation"][];
            /** @description The first address for whoever asks. */
            start: string;
        };
        /** @description The host's address on a network. */
        NetworkIpv4: {
            /** @description With the length of the network's prefix, such as `192.168.100.1/24`; guests use it as their gateway. */
            address: string;
            dhcp?: components["schemas"]["NetworkDhcp"] | null;
        };
        /**
         * @description How VMs on a network reach others.
         * @enum {string}
         */
        NetworkMode: "nat" | "isolated" | "bridge" | "other";
        /** @description All networks. */
        NetworkPage: {
            /** @description Ordered by name. */
            items: components["schemas"]["Network"][];
        };
        /** @description What is to be different; what is not there stays as it is. */
        NetworkPatch: {
            /** @description Start with the host, and when a VM needs it. */
            autostart?: boolean | null;
            /** @description Another bridge of the host. */
            bridge?: string | null;
            ipv4?: components["schemas"]["NetworkIpv4"] | null;
            vlan?: components["schemas"]["NetworkVlan"] | null;
        };
        /** @description A change that waits to be confirmed. */
        NetworkTrial: {
            /** @description Whether it is in force, so that it can be confirmed. */
            in_force: boolean;
            /**
             * Format: int64
             * @description Until it is undone, in milliseconds.
             */
            left_ms: number;
            /** @description What is tried. */
            network: components["schemas"]["ManagementNetwork"];
        };
        /**
         * @description Why a change did not last.
         * @enum {string}
         */
        NetworkUndone: "time_is_up" | "given_up";
        /** @description A VM that is plugged into a network. */
        NetworkUser: {
            /**
             * Format: uuid
             * @description Which.
             */
            id: string;
            /** @description Its name. */
            name: string;
            /** @description It is powered on. */
            running: boolean;
        };
        /** @description 802.1Q tags on the bridge. */
        NetworkVlan: {
            /**
             * Format: int32
             * @description The tag of a trunk that untagged frames belong to.
             */
            native?: number | null;
            /** @description 1 to 4094; none is no VLAN. Guests know nothing of a single one that is no trunk. */
            tags?: number[];
            /** @description Guests see the tags. */
            trunk?: boolean;
        };
        /** @description An export of an NFS server. */
        NfsSource: {
            /** @description The export's absolute path there. */
            export: string;
            /** @description Name or address of the server. */
            host: string;
        };
        /** @description One NIC of a VM. */
        Nic: {
            /** @description How fast it may be. */
            limits: components["schemas"]["NicLimits"];
            /** @description MAC address, lower case, colons. */
            mac: string;
            /** @description Network or bridge that it is plugged into. */
            source: string;
        };
        /** @description A NIC to be plugged into a network or a bridge: exactly one of both. */
        NicAttach: {
            /** @description A bridge of the host, such as `br0`, the management network's. */
            bridge?: string | null;
            /** @description How fast it may be. */
            limits?: components["schemas"]["NicLimits"];
            /** @description A virtual network, such as `default`. */
            network?: string | null;
        };
        /** @description A NIC to be made, plugged into a network or a bridge of the host. */
        NicCreate: {
            /** @description A virtual network, such as `default`. */
            network: string;
        } | {
            /** @description A bridge of the host, such as `br0`, the management network's. */
            bridge: string;
        };
        /** @description How fast a NIC may be, as the guest sees it; 0 is no limit. */
        NicLimits: {
            /**
             * Format: int64
             * @description Units of 1,000 bytes a second.
             * @default 0
             */
            receive_kbytes_sec: number;
            /**
             * Format: int64
             * @description Units of 1,000 bytes a second.
             * @default 0
             */
            send_kbytes_sec: number;
        };
        /** @description A change to a NIC. */
        NicPatch: {
            /** @description How fast it may be. */
            limits: components["schemas"]["NicLimits"];
        };
        /** @description A newer version. */
        Offer: {
            /** @description Identity of its image. */
            build_id: string;
            /** @description It failed on this host, or somebody went back from it: only a person tries it again. */
            given_up: boolean;
            /**
             * Format: int64
             * @description Bytes of its bundle.
             */
            size_bytes: number;
            /** @description The other slot holds it already. */
            staged: boolean;
            /** @description As people name it. */
            version: string;
        };
        /** @description A change of one's own password. */
        PasswordChange: {
            /** @description The password so far. */
            current_password: string;
            /** @description The one from now on, 8 to 256 characters. */
            new_password: string;
        };
        /** @description A storage pool. */
        Pool: {
            /**
             * Format: int64
             * @description Bytes that are taken, by others on the same disk too.
             */
            allocation_bytes: number;
            /** @description Starts with the host. */
            autostart: boolean;
            /**
             * Format: int64
             * @description Bytes that are free.
             */
            available_bytes: number;
            /**
             * Format: int64
             * @description Bytes in all; 0 where that is not known.
             */
            capacity_bytes: number;
            /** @description Volumes are files: they can be uploaded. */
            has_files: boolean;
            /**
             * Format: uuid
             * @description For life.
             */
            id: string;
            /** @description Volumes can be made in it, and not only on its server. */
            makes_volumes: boolean;
            /** @description As libvirt has it. */
            name: string;
            /** @description The host's own: it can't be deleted. */
            own: boolean;
            /** @description Where its files are, it is mounted, or its devices appear. */
            path: string | null;
            /** @description Why it can't, in plain words. */
            problem: string | null;
            /** @description The server's export, volume group or target. */
            source: string | null;
            /** @description Whether it can be used. */
            state: components["schemas"]["PoolState"];
            /** @description What it is made of. */
            type: components["schemas"]["PoolType"];
            /** @description VMs that have a disk in it, by name. */
            used_by: components["schemas"]["StorageUser"][];
        };
        /** @description A pool to make. Of `nfs`, `lvm` and `iscsi`, the one that `type` names must be there. */
        PoolCreate: {
            /** @description Start it now and with the host; so if not given. */
            autostart?: boolean;
            /**
             * Format: uuid
             * @description The host chooses one if not given.
             */
            id?: string | null;
            iscsi?: components["schemas"]["IscsiSource"] | null;
            lvm?: components["schemas"]["LvmSource"] | null;
            /** @description 1 to 63 letters, digits, `.`, `_` or `-`. */
            name: string;
            nfs?: components["schemas"]["NfsSource"] | null;
            /** @description Of a directory: below `/data/pools`, `/mnt` or `/srv`, made if it is not there; one of its own if not given. */
            path?: string | null;
            /** @description `disk` is made by formatting one; `other` is refused. */
            type: components["schemas"]["PoolType"];
        };
        /** @description A disk of the host. */
        PoolDisk: {
            /** @description What is on it, in plain words. */
            content: string;
            /** @description Vendor and model. */
            model: string | null;
            /** @description Its device, such as `/dev/sdb`. */
            path: string;
            /** @description Why no pool can be made of it as it is; `null` where one can. */
            reason: string | null;
            /** @description Serial number. */
            serial: string | null;
            /**
             * Format: int64
             * @description Its size.
             */
            size_bytes: number;
            /** @description One could if what is on it were wiped. */
            wipeable: boolean;
        };
        /** @description The host's disks. */
        PoolDiskPage: {
            /** @description Ordered by name. */
            items: components["schemas"]["PoolDisk"][];
        };
        /** @description A disk of the host to format and make a pool of. */
        PoolFormat: {
            /** @description Its device or a link to it, as `GET /api/v1/pools/disks` names it. */
            disk: string;
            /**
             * Format: uuid
             * @description The host chooses one if not given.
             */
            id?: string | null;
            /** @description 1 to 63 letters, digits, `.`, `_` or `-`. */
            name: string;
            /** @description What is on it can go. */
            wipe?: boolean;
        };
        /** @description All pools. */
        PoolPage: {
            /** @description Ordered by name. */
            items: components["schemas"]["Pool"][];
        };
        /** @description What is to be different. */
        PoolPatch: {
            /** @description Start with the host. */
            autostart: boolean;
        };
        /**
         * @description Whether a pool can be used.
         * @enum {string}
         */
        PoolState: "active" | "inactive" | "unavailable";
        /**
         * @description What a pool is made of.
         * @enum {string}
         */
        PoolType: "directory" | "disk" | "nfs" | "lvm" | "iscsi" | "other";
        /** @description An error, sent as `application/problem+json`. */
        Problem: {
            /** @description What happened this time, why, and what to do. */
            detail: string;
            /** @description Each field that was refused; left out when no single field is to blame. */
            errors?: components["schemas"]["FieldProblem"][];
            /** @description Names this request in the daemon's log. */
            request_id: string;
            /**
             * Format: int32
             * @description The HTTP status.
             */
            status: number;
            /** @description The kind of problem in a few words, the same each time. */
            title: string;
            /** @description A URI that names the kind of problem, or `about:blank` when the status says it all. */
            type: string;
        };
        /** @description Whether the host can manage VMs, and what each check said. */
        Readiness: {
            /** @description All checks, in a fixed order. */
            checks: components["schemas"]["Check"][];
            /** @description Every check passed. */
            ready: boolean;
        };
        /**
         * @description What a factory reset forgets.
         * @enum {string}
         */
        ResetScope: "configuration" | "everything";
        /**
         * @description What a VM is to be after it was reverted.
         * @enum {string}
         */
        RevertTo: "as_taken" | "running" | "off";
        /**
         * @description What a user or a token may do; each role includes the ones before it.
         * @enum {string}
         */
        Role: "viewer" | "operator" | "admin";
        /** @description Who is logged in. */
        Session: {
            /**
             * @description To be sent back as `X-CSRF-Token` with every request that changes something; `null` when the
             *     request was not authenticated by a cookie and so needs none.
             */
            csrf_token: string | null;
            /**
             * Format: date-time
             * @description When the session ends; `null` if it doesn't.
             */
            expires_at: string | null;
            /** @description What they may do. */
            role: components["schemas"]["Role"];
            /** @description User, or token as in the audit log. */
            username: string;
        };
        /** @description One of the two system partitions. */
        Slot: {
            /** @description Identity of its image. */
            build_id: string | null;
            /** @description It is what the host falls back to. */
            confirmed: boolean;
            failure: components["schemas"]["Failure"] | null;
            /** @description `A` or `B`. */
            name: components["schemas"]["SlotName"];
            /** @description The system that runs came from it. */
            running: boolean;
            /** @description What it holds. */
            state: components["schemas"]["SlotState"];
            /**
             * Format: int32
             * @description Starts of it that are left before it counts as failed, when it is on trial; `null` when it is not.
             */
            tries_left: number | null;
            /** @description Version of its image; `null` when it holds none. */
            version: string | null;
        };
        /**
         * @description Names a slot.
         * @enum {string}
         */
        SlotName: "A" | "B";
        /**
         * @description What a slot holds.
         * @enum {string}
         */
        SlotState: "good" | "empty" | "failed";
        /** @description A snapshot of a VM. */
        Snapshot: {
            /**
             * Format: date-time
             * @description When it was taken.
             */
            created_at: string;
            /** @description The VM was at it last: taken or reverted to. */
            current: boolean;
            /** @description Free text. */
            description: string;
            /** @description It has memory and devices: the guest goes on from there. Otherwise it has the disks alone. */
            memory: boolean;
            /** @description Unique among the VM's. */
            name: string;
            /** @description The one that the VM was at when it was taken; `null` at the root of a tree. */
            parent: string | null;
        };
        /** @description A snapshot to take. */
        SnapshotCreate: {
            /** @description At most 1000 characters. */
            description?: string;
            /** @description With memory, for a VM that runs; without, for one that is off. */
            memory: boolean;
            /** @description 1 to 63 letters, digits, `.`, `_` or `-`. */
            name: string;
        };
        /** @description A VM's snapshots. */
        SnapshotPage: {
            /** @description Oldest first. */
            items: components["schemas"]["Snapshot"][];
        };
        /** @description How to revert. */
        SnapshotRevert: {
            /** @description What the VM is to be afterwards; `as_taken` if not given. */
            to?: components["schemas"]["RevertTo"];
        };
        /**
         * @description Whether a directory outlives a reboot.
         * @enum {string}
         */
        Storage: "partition" | "ram";
        /** @description A VM that has a disk in a pool. */
        StorageUser: {
            /**
             * Format: uuid
             * @description Which.
             */
            id: string;
            /** @description Its name. */
            name: string;
            /** @description It is powered on. */
            running: boolean;
        };
        /** @description Work that takes its time: it goes on when nobody waits for it. */
        Task: {
            /** @description User or token that asked. */
            actor: string;
            /**
             * Format: date-time
             * @description When it was asked for.
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When it was over.
             */
            ended_at: string | null;
            /**
             * Format: uuid
             * @description Its name for life.
             */
            id: string;
            /** @description What was noted, oldest first, at most 100 lines; `null` in lists and events. */
            log: components["schemas"]["TaskLogLine"][] | null;
            /** @description Why it can't be cancelled; `null` where it can. */
            not_cancellable: string | null;
            /** @description What is done, as the audit log names it, such as `vm_create`. */
            operation: string;
            /**
             * Format: int32
             * @description How much is done; 100 only when all is.
             */
            percent: number;
            problem: components["schemas"]["Problem"] | null;
            /**
             * Format: date-time
             * @description When its turn came.
             */
            started_at: string | null;
            /** @description How far it is. */
            state: components["schemas"]["TaskState"];
            /** @description Its parts, in order; none where it has a single one. */
            steps: components["schemas"]["TaskStep"][];
            /** @description To what. */
            target: components["schemas"]["TaskTarget"];
        };
        /** @description Something that was noted while a task ran. */
        TaskLogLine: {
            /** @description What. */
            text: string;
            /**
             * Format: date-time
             * @description When.
             */
            time: string;
        };
        /** @description Some of the tasks. */
        TaskPage: {
            /** @description Newest first. */
            items: components["schemas"]["Task"][];
            /** @description Pass as `cursor` for more; `null` at the end. */
            next: string | null;
        };
        /**
         * @description Where a task is.
         * @enum {string}
         */
        TaskState: "waiting" | "running" | "cancelling" | "done" | "failed" | "cancelled" | "interrupted";
        /** @description A part of a task. */
        TaskStep: {
            /** @description What it does. */
            name: string;
            /** @description How far it is. */
            state: components["schemas"]["TaskStepState"];
        };
        /**
         * @description Where a step of a task is.
         * @enum {string}
         */
        TaskStepState: "waiting" | "running" | "done" | "stopped";
        /** @description What a task is about. */
        TaskTarget: {
            /** @description Of a VM its id, of an image its name; empty for the system. */
            id: string;
            /** @description As people call it. */
            name: string;
            /** @description `vm`, `image`, or `system` for the host's own. */
            type: string;
        };
        /** @description A token that exists. */
        Token: {
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /** @description Who made it. */
            created_by: string;
            /**
             * Format: date-time
             * @description When it stops working; `null` if it doesn't.
             */
            expires_at: string | null;
            /**
             * Format: uuid
             * @description Identity.
             */
            id: string;
            /**
             * Format: date-time
             * @description When it was last used, to the minute; `null` if never.
             */
            last_used_at: string | null;
            /** @description What it is for. */
            name: string;
            /** @description The account that it acts for: it never may do more than that one, and ends with it. */
            owner: string;
            /** @description What its bearer may do. */
            role: components["schemas"]["Role"];
        };
        /** @description A token to be made. */
        TokenCreate: {
            /**
             * Format: int64
             * @description Seconds until it stops working, 60 to 315,360,000 (ten years); never, when left out.
             */
            expires_in_s?: number | null;
            /** @description What it is for, 1 to 63 characters, shown in the audit log. */
            name: string;
            /** @description What its bearer may do. */
            role: components["schemas"]["Role"];
        };
        /** @description All tokens. */
        TokenPage: {
            /** @description Oldest first. */
            items: components["schemas"]["Token"][];
            /** @description To be sent as `cursor` for more; `null` at the end. */
            next: string | null;
        };
        /** @description A token as made: the only time that its secret is shown. */
        TokenSecret: {
            /**
             * Format: date-time
             * @description When it stops working; `null` if it doesn't.
             */
            expires_at: string | null;
            /**
             * Format: uuid
             * @description Identity, for `DELETE /api/v1/tokens/{id}`.
             */
            id: string;
            /** @description What it is for. */
            name: string;
            /** @description What its bearer may do. */
            role: components["schemas"]["Role"];
            /** @description To be sent as `Authorization: Bearer …`. Shown once. */
            token: string;
        };
        /** @description A bundle on its way into a slot. */
        Transfer: {
            /**
             * Format: int32
             * @description How much of receiving and reading back is done, 0 to 100.
             */
            percent: number;
            /** @description Why it failed, in words; `null` unless it did. */
            problem: string | null;
            /**
             * Format: int64
             * @description Bytes of the bundle that arrived. An upload that broke off goes on from here.
             */
            received_bytes: number;
            /** @description Where it comes from. */
            source: components["schemas"]["TransferSource"];
            /** @description How far it is. */
            state: components["schemas"]["TransferState"];
            /**
             * Format: uuid
             * @description The task that writes it.
             */
            task_id: string;
            /**
             * Format: int64
             * @description Bytes of the bundle; `null` before its manifest was checked.
             */
            total_bytes: number | null;
            /** @description The version in it; `null` before its manifest was checked. */
            version: string | null;
        };
        /**
         * @description Where a bundle comes from.
         * @enum {string}
         */
        TransferSource: "upload" | "reinstall" | "feed";
        /**
         * @description How far a bundle is.
         * @enum {string}
         */
        TransferState: "receiving" | "interrupted" | "verifying" | "done" | "failed";
        /**
         * @description How an update ended.
         * @enum {string}
         */
        UpdateOutcome: "waiting" | "on_trial" | "succeeded" | "failed";
        /** @description What becomes of the machine when a version was chosen. */
        UpdateStart: {
            /** @description Restart the host now. Otherwise the version starts with the next restart, whoever asks for it. */
            restart: boolean;
        };
        /** @description Where updates stand. */
        Updates: {
            feed: components["schemas"]["Feed"] | null;
            last: components["schemas"]["LastUpdate"] | null;
            /** @description Slots A and B; none when the host cannot be updated. */
            slots: components["schemas"]["Slot"][];
            transfer: components["schemas"]["Transfer"] | null;
            /** @description Why this host cannot be updated, in words; `null` when it can. */
            unavailable: string | null;
        };
        /** @description A user. */
        User: {
            /**
             * Format: date-time
             * @description When they were made.
             */
            created_at: string;
            /** @description Who made them. */
            created_by: string;
            /** @description They and their tokens are kept out. */
            disabled: boolean;
            /**
             * Format: date-time
             * @description When they logged in last; `null` if never.
             */
            last_login_at: string | null;
            /** @description Identity. */
            name: string;
            /**
             * Format: date-time
             * @description When their password was set last.
             */
            password_changed_at: string;
            /** @description Different whenever role, state or password are: the user's `ETag`, without quotes. */
            revision: string;
            /** @description What they may do. */
            role: components["schemas"]["Role"];
        };
        /** @description A user to be made. */
        UserCreate: {
            /**
             * @description At most 32 letters, digits, `.`, `_` or `-`, beginning with a letter or a digit; not another user's in
             *     other case, and not `root`.
             */
            name: string;
            /** @description 8 to 256 characters. */
            password: string;
            /** @description What they may do. */
            role: components["schemas"]["Role"];
        };
        /** @description Some of the users. */
        UserPage: {
            /** @description By name. */
            items: components["schemas"]["User"][];
            /** @description To be sent as `cursor` for more; `null` at the end. */
            next: string | null;
        };
        /** @description What is to change of a user; what is left out stays. */
        UserPatch: {
            /** @description Whether they and their tokens are kept out. */
            disabled?: boolean | null;
            /** @description A new password, 8 to 256 characters. */
            password?: string | null;
            role?: components["schemas"]["Role"] | null;
        };
        /** @description A VM as observed. */
        Vm: {
            /** @description What runs it; emulation is slow and no security boundary. */
            accelerator: components["schemas"]["Accelerator"];
            /** @description Starts with the host. */
            autostart: boolean;
            /**
             * Format: int32
             * @description Seconds after it before those with a higher number are started.
             */
            autostart_delay_s: number;
            /**
             * Format: int32
             * @description The lowest starts first; VMs with the same number start together.
             */
            autostart_order: number;
            /** @description Targets of drives and MAC addresses of NICs. */
            boot_order: string[];
            /** @description `host`, `host-model`, or a model as QEMU calls it. */
            cpu_model: string;
            /** @description Free text. */
            description: string;
            /** @description All drives. */
            disks: components["schemas"]["Disk"][];
            /** @description Firmware. */
            firmware: components["schemas"]["Firmware"];
            /**
             * Format: uuid
             * @description Identity for life.
             */
            id: string;
            /**
             * Format: int64
             * @description Configured memory.
             */
            memory_mib: number;
            /** @description Unique on its host. */
            name: string;
            /** @description All NICs. */
            nics: components["schemas"]["Nic"][];
            /** @description Names of the fields above of which the running VM has other values until it was off. */
            pending_restart: string[];
            /** @description Different whenever the configuration is: the VM's `ETag`, without quotes. */
            revision: string;
            /** @description Power state. */
            state: components["schemas"]["VmState"];
            /** @description Words that group VMs. */
            tags: string[];
            /** @description Has a TPM. */
            tpm: boolean;
            /**
             * Format: int32
             * @description Configured vCPUs.
             */
            vcpus: number;
            /**
             * Format: int32
             * @description How many vCPUs can be plugged in while it runs.
             */
            vcpus_max: number;
            /** @description Has a screen that can be looked at, over VNC: now if it is on, else when it is powered on. */
            vnc: boolean;
        };
        /** @description A VM to be made like another one, which must be off. */
        VmClone: {
            /** @description Free text, at most 1024 characters; the other VM's when left out. */
            description?: string | null;
            /**
             * Format: uuid
             * @description Chosen by the client, so that asking twice makes one VM; the host chooses when left out.
             */
            id?: string | null;
            /** @description Unique on its host: 1 to 63 letters, digits, `.`, `_` or `-`, the first a letter or a digit. */
            name: string;
        };
        /** @description A VM to be made. */
        VmCreate: {
            /** @description Start it with the host. */
            autostart?: boolean;
            /** @description An ISO file of the image library for the CD drive; booted first while present. */
            cdrom?: string | null;
            cloud_init?: components["schemas"]["CloudInit"] | null;
            /** @description Free text, at most 1024 characters. */
            description?: string;
            /** @description In boot order, at most 24. */
            disks?: components["schemas"]["DiskCreate"][];
            /** @description Firmware. */
            firmware?: components["schemas"]["Firmware"];
            /**
             * Format: uuid
             * @description Chosen by the client, so that asking twice makes one VM; the host chooses when left out.
             */
            id?: string | null;
            /**
             * Format: int64
             * @description 1 to 16,777,216.
             */
            memory_mib?: number;
            /** @description Unique on its host: 1 to 63 letters, digits, `.`, `_` or `-`, the first a letter or a digit. */
            name: string;
            /** @description At most 8. */
            nics?: components["schemas"]["NicCreate"][];
            /** @description Give it a TPM 2.0, as Windows 11 wants one. */
            tpm?: boolean;
            /**
             * Format: int32
             * @description 1 to 512.
             */
            vcpus?: number;
            /**
             * Format: int32
             * @description How many vCPUs can be plugged in while it runs, up to 512; no more than `vcpus` when left out.
             */
            vcpus_max?: number | null;
        };
        /** @description Figures of one VM. */
        VmMetrics: {
            /**
             * Format: uuid
             * @description Which VM.
             */
            id: string;
            /** @description Its figures. */
            values: components["schemas"]["MetricsValues"];
        };
        /** @description Some of the VMs. */
        VmPage: {
            /** @description Ordered by id. */
            items: components["schemas"]["Vm"][];
            /** @description To be sent as `cursor` for the next page; `null` at the end. */
            next: string | null;
        };
        /** @description A change to a VM: what is left out stays as it is. */
        VmPatch: {
            /** @description Whether it starts with the host. */
            autostart?: boolean | null;
            /**
             * Format: int32
             * @description 0 to 3,600 seconds after it before those with a higher number are started.
             */
            autostart_delay_s?: number | null;
            /**
             * Format: int32
             * @description 0 to 9,999: the lowest starts first, VMs with the same number together.
             */
            autostart_order?: number | null;
            /** @description Targets of drives and MAC addresses of NICs; what is not named is not booted. */
            boot_order?: string[] | null;
            /** @description `host` for all that the host's processor can do, or a model as QEMU calls it. */
            cpu_model?: string | null;
            /** @description Free text, at most 1024 characters. */
            description?: string | null;
            /**
             * Format: int64
             * @description 1 to 16,777,216. A running VM gets it after it was off.
             */
            memory_mib?: number | null;
            /** @description Another name, for a VM that is off: 1 to 63 letters, digits, `.`, `_` or `-`. */
            name?: string | null;
            /** @description All tags, at most 32 of 1 to 32 letters, digits, `.`, `_` or `-`. */
            tags?: string[] | null;
            /** @description `true` adds a TPM 2.0; a running VM has it after it was off. None is taken away. */
            tpm?: boolean | null;
            /**
             * Format: int32
             * @description 1 to 512. A running VM gets them at once up to its `vcpus_max`.
             */
            vcpus?: number | null;
            /**
             * Format: int32
             * @description How many vCPUs can be plugged in while it runs; raised to `vcpus` if that is more.
             */
            vcpus_max?: number | null;
        };
        /**
         * @description Observed power state.
         * @enum {string}
         */
        VmState: "running" | "paused" | "shutting_down" | "off" | "saved" | "crashed" | "suspended";
        /** @description A volume. */
        Volume: {
            /**
             * Format: int64
             * @description Bytes that it takes.
             */
            allocation_bytes: number;
            /** @description Another file that it needs: no VM gets such a volume. */
            backing: string | null;
            /**
             * Format: int64
             * @description Bytes of the disk that it is.
             */
            capacity_bytes: number;
            /** @description By its content: `raw`, `qcow2`, `iso`, `vmdk` and others. */
            format: string;
            /** @description Its name there. */
            name: string;
            /** @description File or block device on the host. */
            path: string;
            /**
             * Format: uuid
             * @description Its pool.
             */
            pool: string;
            /** @description VMs that have it as a disk, by name. */
            used_by: components["schemas"]["StorageUser"][];
        };
        /** @description A volume to make: blank with a size, or a copy of something, grown if a size is given too. */
        VolumeCreate: {
            format?: components["schemas"]["VolumeFormat"] | null;
            /** @description Take all of its space now, and not as it is written to; for blank ones. */
            full?: boolean;
            /** @description 1 to 128 letters, digits, `.`, `_`, `-`, `+` or `@`, the first a letter or a digit. */
            name: string;
            /**
             * Format: int64
             * @description Bytes of the disk: a multiple of 512, at most 64 TiB.
             */
            size_bytes?: number | null;
            source?: components["schemas"]["VolumeSource"] | null;
        };
        /**
         * @description What a new volume's bytes are.
         * @enum {string}
         */
        VolumeFormat: "raw" | "qcow2";
        /** @description The volumes of a pool. */
        VolumePage: {
            /** @description Ordered by name. */
            items: components["schemas"]["Volume"][];
        };
        /** @description A change to a volume. */
        VolumePatch: {
            /** @description It may become smaller: what is beyond the new end is lost. */
            shrink?: boolean;
            /**
             * Format: int64
             * @description Bytes of the disk: a multiple of 512, at most 64 TiB.
             */
            size_bytes: number;
        };
        /** @description Names a volume. */
        VolumeRef: {
            /** @description Its name there. */
            name: string;
            /**
             * Format: uuid
             * @description Its pool.
             */
            pool: string;
        };
        /** @description What a new volume holds: exactly one of both. */
        VolumeSource: {
            /** @description A file of the image library. */
            image?: string | null;
            volume?: components["schemas"]["VolumeRef"] | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listAudit: {
        parameters: {
            query?: {
                /** @description How many at most, 1 to 1000; 100 if not given. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditPage"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    followEvents: {
        parameters: {
            query?: {
                /** @description Start after this `seq`; a `resync` event comes first when some are no longer known. */
                since?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A WebSocket: each text frame is one of them. */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Server-sent events: `data` is the event, `id` its `seq`. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": {
                        data: string;
                        id?: string;
                    };
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getHost: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Host"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    backUpHost: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["HostBackup"];
            };
        };
        responses: {
            /** @description The file; `Content-Disposition` names it. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listBridges: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BridgePage"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getHostCertificate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HostCertificate"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    putHostCertificate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["HostCertificatePut"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HostCertificate"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not enough space. */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    regenerateHostCertificate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HostCertificate"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not enough space. */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getHostConfig: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HostConfig"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    patchHostConfig: {
        parameters: {
            query?: never;
            header?: {
                /** @description The settings' `ETag`: if anything was changed since then, nothing is changed. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["HostConfigPatch"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HostConfig"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It was changed since it was read. */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getHostLog: {
        parameters: {
            query?: {
                /** @description `system` (if not given), `daemon`, `kernel`, `boot` or `install`. */
                log?: string;
                /** @description How many of the newest lines at most, 1 to 10000; 1000 if not given. */
                lines?: number;
                /** @description Only lines that contain this text, upper and lower case being the same. */
                contains?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HostLog"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    followHostLog: {
        parameters: {
            query?: {
                /** @description `system` (if not given), `daemon`, `kernel`, `boot` or `install`. */
                log?: string;
                /** @description How many of the newest lines at most, 1 to 10000; 1000 if not given. */
                lines?: number;
                /** @description Only lines that contain this text, upper and lower case being the same. */
                contains?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A WebSocket: each text frame is one of them. */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Server-sent events: `data` is one sample. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": {
                        data: string;
                        id?: string;
                    };
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getHostMetrics: {
        parameters: {
            query?: {
                /** @description How many seconds back, 10 to 2592000 (30 days); 3600 if not given. */
                range_s?: number;
                /** @description Seconds that become one point: from 1 for a range of up to 120 s, a multiple of 10 for up to 24 hours, of 300 beyond; what gives at most 720 points if not given. */
                step_s?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MetricsSeries"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getHostNetwork: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HostNetwork"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    putHostNetwork: {
        parameters: {
            query?: never;
            header?: {
                /** @description The network's `ETag`: one that was changed since then is not changed. */
                "If-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["HostNetworkChange"];
            };
        };
        responses: {
            /** @description Done. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HostNetwork"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It was changed since it was read. */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    confirmHostNetwork: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HostNetwork"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    undoHostNetwork: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HostNetwork"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    powerHost: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["HostPower"];
            };
        };
        responses: {
            /** @description Done. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resetHost: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["HostReset"];
            };
        };
        responses: {
            /** @description Done. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    restoreHost: {
        parameters: {
            query?: {
                /** @description Keep this host's management network; the backup's is taken if not given. */
                skip_network?: boolean;
                /** @description This machine takes the place of the one that made the backup: it gets its machine id and iSCSI name too. */
                same_machine?: boolean;
            };
            header?: {
                /** @description What the backup was encrypted with, percent-encoded UTF-8. */
                "Backup-Passphrase"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": unknown;
            };
        };
        responses: {
            /** @description Done. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HostRestored"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listHostServices: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HostServiceList"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    restartHostService: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                service: "qx-node" | "libvirtd" | "chronyd" | "sshd";
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HostService"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getHostSupportBundle: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file; `Content-Disposition` names it. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listImageUploads: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImageUploadPage"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteImageUpload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listImages: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ImagePage"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    uploadImage: {
        parameters: {
            query?: never;
            header?: {
                /** @description SHA-256 of the whole file as hex; a file that differs is refused. */
                "X-Checksum-SHA256"?: string;
                /** @description Go on with an upload that broke off: `received_bytes` of `GET /api/v1/image-uploads`, the body being the rest of the file. */
                "Upload-Offset"?: number;
            };
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": unknown;
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Image"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not enough space. */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteImage: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    followMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A WebSocket: each text frame is one of them. */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Server-sent events: `data` is one sample. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": {
                        data: string;
                        id?: string;
                    };
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listNetworks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NetworkPage"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createNetwork: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NetworkCreate"];
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    /** @description Its path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Network"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getNetwork: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description To be sent as `If-Match`. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Network"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteNetwork: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    patchNetwork: {
        parameters: {
            query?: never;
            header?: {
                /** @description The network's `ETag`: one that was changed since then is not changed. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NetworkPatch"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description To be sent as `If-Match`. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Network"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It was changed since it was read. */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    startNetwork: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Network"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    stopNetwork: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Network"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getOpenApi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description This document. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": Record<string, never>;
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listPools: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PoolPage"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createPool: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PoolCreate"];
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    /** @description Its path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Pool"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listPoolDisks: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PoolDiskPage"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    formatPool: {
        parameters: {
            query?: never;
            header?: {
                /** @description `respond-async`: answer the task at once, instead of waiting for its end (RFC 7240). */
                Prefer?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PoolFormat"];
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Pool"];
                };
            };
            /** @description The task that does it; with `Prefer: respond-async` only. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getPool: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Pool"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deletePool: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    patchPool: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PoolPatch"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Pool"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    refreshPool: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Pool"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    startPool: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Pool"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    stopPool: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Pool"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listVolumes: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VolumePage"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createVolume: {
        parameters: {
            query?: never;
            header?: {
                /** @description `respond-async`: answer the task at once, instead of waiting for its end (RFC 7240). */
                Prefer?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["VolumeCreate"];
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    /** @description Its path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Volume"];
                };
            };
            /** @description The task that does it; with `Prefer: respond-async` only. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not enough space. */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getVolume: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                volume: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Volume"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteVolume: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                volume: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    patchVolume: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                volume: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["VolumePatch"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Volume"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not enough space. */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    downloadVolume: {
        parameters: {
            query?: never;
            header?: {
                /** @description One range of bytes, such as `bytes=0-1048575` (RFC 9110). */
                Range?: string;
            };
            path: {
                id: string;
                volume: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file; `Content-Disposition` names it. */
            200: {
                headers: {
                    /** @description `bytes`. */
                    "Accept-Ranges"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
            /** @description The range that was asked for. */
            206: {
                headers: {
                    /** @description `bytes`. */
                    "Accept-Ranges"?: string;
                    /** @description Which bytes of how many. */
                    "Content-Range"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/octet-stream": unknown;
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There are no such bytes; `Content-Range` says how many there are. */
            416: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    uploadVolume: {
        parameters: {
            query?: {
                /** @description `qcow2` or `raw`; if not given, the file's own, and qcow2 for others' formats. */
                format?: string;
            };
            header?: {
                /** @description SHA-256 of the body, hexadecimal: another content is refused. */
                "X-Checksum-SHA256"?: string;
            };
            path: {
                id: string;
                volume: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": unknown;
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Volume"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not enough space. */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LoginRequest"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Session"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many failed log-ins; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    changePassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasswordChange"];
            };
        };
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many failed log-ins; `Retry-After` says when to try again. */
            429: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listTasks: {
        parameters: {
            query?: {
                /** @description How many at most, 1 to 1000; 100 if not given. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TaskPage"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getTask: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancelTask: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listTokens: {
        parameters: {
            query?: {
                /** @description How many at most, 1 to 1000; 100 if not given. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenPage"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createToken: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TokenCreate"];
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenSecret"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteToken: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getUpdates: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Updates"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    applyUpdate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateStart"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Updates"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    checkUpdate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Updates"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    confirmUpdate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Updates"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    fetchUpdate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Updates"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    reinstallUpdate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Updates"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    rollBackUpdate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateStart"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Updates"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    uploadUpdate: {
        parameters: {
            query?: never;
            header?: {
                /** @description Go on with an upload that broke off: `transfer.received_bytes` of `GET /api/v1/updates`, the body being the rest of the bundle. */
                "Upload-Offset"?: number;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/octet-stream": unknown;
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Updates"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    discardUpdate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Updates"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listUsers: {
        parameters: {
            query?: {
                /** @description How many at most, 1 to 1000; 100 if not given. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UserPage"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createUser: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserCreate"];
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    /** @description To be sent as `If-Match`. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description To be sent as `If-Match`. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    patchUser: {
        parameters: {
            query?: never;
            header?: {
                /** @description The user's `ETag`: one who was changed since then is not changed. */
                "If-Match"?: string;
            };
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserPatch"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description To be sent as `If-Match`. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It was changed since it was read. */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listVms: {
        parameters: {
            query?: {
                /** @description How many at most, 1 to 1000; 100 if not given. */
                limit?: number;
                /** @description `next` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VmPage"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createVm: {
        parameters: {
            query?: never;
            header?: {
                /** @description `respond-async`: answer the task at once, instead of waiting for its end (RFC 7240). */
                Prefer?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["VmCreate"];
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    /** @description Its path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Vm"];
                };
            };
            /** @description The task that does it; with `Prefer: respond-async` only. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not enough space. */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getVm: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description To be sent as `If-Match`. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Vm"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteVm: {
        parameters: {
            query?: {
                /** @description Delete its disks too; they are kept if not given. */
                disks?: boolean;
            };
            header?: {
                /** @description `respond-async`: answer the task at once, instead of waiting for its end (RFC 7240). */
                Prefer?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The task that does it; with `Prefer: respond-async` only. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    patchVm: {
        parameters: {
            query?: never;
            header?: {
                /** @description The VM's `ETag`: a VM that was changed since then is not changed. */
                "If-Match"?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["VmPatch"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    /** @description To be sent as `If-Match`. */
                    ETag?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Vm"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It was changed since it was read. */
            412: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    putVmCdrom: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Cdrom"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Vm"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cloneVm: {
        parameters: {
            query?: never;
            header?: {
                /** @description `respond-async`: answer the task at once, instead of waiting for its end (RFC 7240). */
                Prefer?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["VmClone"];
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    /** @description Its path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Vm"];
                };
            };
            /** @description The task that does it; with `Prefer: respond-async` only. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not enough space. */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    openVmConsole: {
        parameters: {
            query: {
                /** @description From `POST /api/v1/vms/{id}/console`; good once. */
                ticket: string;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A WebSocket: binary frames both ways. */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Only a WebSocket can be opened here. */
            426: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createVmConsole: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConsoleRequest"];
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConsoleTicket"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    attachVmDisk: {
        parameters: {
            query?: never;
            header?: {
                /** @description `respond-async`: answer the task at once, instead of waiting for its end (RFC 7240). */
                Prefer?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DiskAttach"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Vm"];
                };
            };
            /** @description The task that does it; with `Prefer: respond-async` only. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not enough space. */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    detachVmDisk: {
        parameters: {
            query?: {
                /** @description Delete its file too, if it was made for this VM; it is kept if not given. */
                delete?: boolean;
            };
            header?: {
                /** @description `respond-async`: answer the task at once, instead of waiting for its end (RFC 7240). */
                Prefer?: string;
            };
            path: {
                id: string;
                target: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Vm"];
                };
            };
            /** @description The task that does it; with `Prefer: respond-async` only. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    patchVmDisk: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                target: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DiskPatch"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Vm"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not enough space. */
            507: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getGuest: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GuestInfo"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listGuestAddresses: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GuestAddresses"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    execInGuest: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GuestExec"];
            };
        };
        responses: {
            /** @description Done. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GuestExecStarted"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getGuestExec: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                pid: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GuestExecStatus"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    readGuestFile: {
        parameters: {
            query: {
                /** @description The file. */
                path: string;
                /** @description Bytes before the piece; 0 if not given. */
                offset?: number;
                /** @description Bytes of the piece; 262144, the most, if not given. */
                length?: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GuestFilePiece"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    writeGuestFile: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GuestFileWrite"];
            };
        };
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listGuestFilesystems: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GuestFilesystems"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    freezeGuest: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GuestFreeze"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GuestFrozen"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    setGuestPassword: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GuestPassword"];
            };
        };
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    pingGuest: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    rebootGuest: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    shutdownGuest: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    thawGuest: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["GuestFrozen"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    setGuestTime: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GuestTime"];
            };
        };
        responses: {
            /** @description Done. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    trimGuest: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getVmMetrics: {
        parameters: {
            query?: {
                /** @description How many seconds back, 10 to 2592000 (30 days); 3600 if not given. */
                range_s?: number;
                /** @description Seconds that become one point: from 1 for a range of up to 120 s, a multiple of 10 for up to 24 hours, of 300 beyond; what gives at most 720 points if not given. */
                step_s?: number;
            };
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MetricsSeries"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    attachVmNic: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NicAttach"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Vm"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    detachVmNic: {
        parameters: {
            query?: never;
            header?: {
                /** @description `respond-async`: answer the task at once, instead of waiting for its end (RFC 7240). */
                Prefer?: string;
            };
            path: {
                id: string;
                mac: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Vm"];
                };
            };
            /** @description The task that does it; with `Prefer: respond-async` only. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    patchVmNic: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                mac: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NicPatch"];
            };
        };
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Vm"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    pauseVm: {
        parameters: {
            query?: never;
            header?: {
                /** @description `respond-async`: answer the task at once, instead of waiting for its end (RFC 7240). */
                Prefer?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Vm"];
                };
            };
            /** @description The task that does it; with `Prefer: respond-async` only. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    rebootVm: {
        parameters: {
            query?: never;
            header?: {
                /** @description `respond-async`: answer the task at once, instead of waiting for its end (RFC 7240). */
                Prefer?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Vm"];
                };
            };
            /** @description The task that does it; with `Prefer: respond-async` only. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resetVm: {
        parameters: {
            query?: never;
            header?: {
                /** @description `respond-async`: answer the task at once, instead of waiting for its end (RFC 7240). */
                Prefer?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Vm"];
                };
            };
            /** @description The task that does it; with `Prefer: respond-async` only. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resumeVm: {
        parameters: {
            query?: never;
            header?: {
                /** @description `respond-async`: answer the task at once, instead of waiting for its end (RFC 7240). */
                Prefer?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Vm"];
                };
            };
            /** @description The task that does it; with `Prefer: respond-async` only. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    shutdownVm: {
        parameters: {
            query?: never;
            header?: {
                /** @description `respond-async`: answer the task at once, instead of waiting for its end (RFC 7240). */
                Prefer?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Vm"];
                };
            };
            /** @description The task that does it; with `Prefer: respond-async` only. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listVmSnapshots: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SnapshotPage"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    createVmSnapshot: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SnapshotCreate"];
            };
        };
        responses: {
            /** @description Done. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    deleteVmSnapshot: {
        parameters: {
            query?: {
                /** @description Forget those after it too; they are kept if not given. */
                children?: boolean;
            };
            header?: never;
            path: {
                id: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    revertVmSnapshot: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SnapshotRevert"];
            };
        };
        responses: {
            /** @description Done. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description The body is not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is too large. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is of another type. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    startVm: {
        parameters: {
            query?: never;
            header?: {
                /** @description `respond-async`: answer the task at once, instead of waiting for its end (RFC 7240). */
                Prefer?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Vm"];
                };
            };
            /** @description The task that does it; with `Prefer: respond-async` only. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    stopVm: {
        parameters: {
            query?: never;
            header?: {
                /** @description `respond-async`: answer the task at once, instead of waiting for its end (RFC 7240). */
                Prefer?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Vm"];
                };
            };
            /** @description The task that does it; with `Prefer: respond-async` only. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    suspendVm: {
        parameters: {
            query?: never;
            header?: {
                /** @description `respond-async`: answer the task at once, instead of waiting for its end (RFC 7240). */
                Prefer?: string;
            };
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Vm"];
                };
            };
            /** @description The task that does it; with `Prefer: respond-async` only. */
            202: {
                headers: {
                    /** @description The task's path. */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Task"];
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description There is no such thing. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Its state doesn't allow it. */
            409: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description A field or parameter is wrong; `errors` names each. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Something that it needs is not there now. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getPrometheusMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Metrics in Prometheus' text format 0.0.4. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description Not logged in, or the credentials are wrong. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The role doesn't allow it, or the CSRF token or the Origin is wrong. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getReadiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It can. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            /** @description The daemon failed. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description It can't. */
            503: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
        };
    };
}
