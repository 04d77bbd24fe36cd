// Everything that floats above a page, as one chunk: fetched once the page stands, so that it is there
// when it is needed, also if the host has stopped answering by then.
export { PowerDialog } from '@/host/power-dialog';
export { RenewDialog } from '@/session/renew-dialog';
export { TasksDialog } from '@/tasks/tasks-dialog';
export { CloneDialog } from '@/vms/clone-dialog';
export { CreateDialog } from '@/vms/create-dialog';
export { AddDiskDialog, AddNicDialog, CdDialog, GrowDiskDialog, RemoveDiskDialog, RemoveNicDialog } from '@/vms/device-dialogs';
export { EditDialog } from '@/vms/edit-dialog';
export { DeleteDialog, StopDialog } from '@/vms/vm-dialogs';
