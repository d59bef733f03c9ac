/* A stand-in for WinDivert64.sys, for the genuine WinDivert.dll to talk to: under wine only, where
 * no driver of the network can run.  It hands out the packets of a file and takes what is sent.
 *
 * C:\weir-driver\in.bin: a header of two numbers, the window and 0; then, for each packet, its
 * length, the flags of its address, interface and sub-interface, and its bytes; all numbers of 32
 * bits.  With a window of N, N packets are there at first, and each one sent back lets another come:
 * so a reader has to wait.  0: all are there.  What is sent goes to out.bin: the address of 80 bytes,
 * the length of 32 bits, the packet.  Each handle of layer 0 or 1 reads the file from its start.
 *
 * A request's addresses are pointers into the caller's memory, which wine's kernel cannot reach: they
 * go through a library of user mode (driver-memory.c).  A driver that itself imports that mode's
 * libraries would be taken for no driver.
 * Requests come one at a time: wine has one thread for them.
 * Facts: what the genuine library asks for, seen in its requests; wine 8's ntoskrnl. */
#include <ntddk.h>

#include "driver-memory.h"

#define MAGIC_DLL     0x4C4C447669645724ULL
#define MAGIC_SYS     0x5359537669645723ULL
#define ADDRESS_BYTES 80
#define TEST_BYTES    24 /* of a filter's program */
#define TESTS_MAX     255
#define BATCH_MAX     255
#define PRIORITY_MAX  30000
#define POOL_TAG      0x72696577

enum {
	IOCTL_INITIALIZE = 0x12e486,
	IOCTL_STARTUP = 0x12e489,
	IOCTL_RECV = 0x12648e,
	IOCTL_SEND = 0x12e491,
	IOCTL_SET_PARAM = 0x12e495,
	IOCTL_GET_PARAM = 0x12649a,
	IOCTL_SHUTDOWN = 0x12e49d,
};

enum {
	FLAG_SNIFF = 1,
	FLAG_DROP = 2,
	FLAG_RECV_ONLY = 4,
	FLAG_SEND_ONLY = 8,
	FLAGS_ALL = 63,
	SHUT_RECV = 1,
	SHUT_SEND = 2,
	WORD_SNIFFED = 1 << 16,
	WORD_IMPOSTOR = 1 << 19,
};

/* What the library passes beside its buffer. */
union request {
	struct {
		UINT32 layer, priority;
		UINT64 flags;
	} initialize;

	struct {
		UINT64 address, address_bytes; /* recv: a pointer to the number, or 0 */
	} move;

	struct {
		UINT64 value;
		UINT32 number;
	} set;

	UINT32 number;
};

struct version {
	UINT64 magic;
	UINT32 major, minor, bits;
	UINT32 rest[11];
};

struct address {
	INT64 timestamp;
	UINT32 word, reserved, if_idx, sub_if_idx;
	UINT8 rest[56];
};

struct packet_head {
	UINT32 length, word, if_idx, sub_if_idx;
};

struct handle {
	struct address addresses
		[BATCH_MAX]; /* of one request: a call to the other process is slow */
	UINT32 layer, shut;
	UINT64 flags, params[3];
	BOOLEAN is_initialized, is_started;
	UINT8 *file; /* NULL: nothing to hand out */
	SIZE_T file_bytes, at;
	BOOLEAN has_window;
	UINT32 window; /* packets that may come now */
	LIST_ENTRY waiting;
	HANDLE out;
};

static NTSTATUS finish(IRP *irp, NTSTATUS status, SIZE_T bytes)
{
	irp->IoStatus.Status = status;
	irp->IoStatus.Information = bytes;
	IoCompleteRequest(irp, IO_NO_INCREMENT);
	return status;
}

static NTSTATUS open_file(const WCHAR *name, BOOLEAN is_new, HANDLE *h)
{
	OBJECT_ATTRIBUTES a;
	IO_STATUS_BLOCK io;
	UNICODE_STRING path;

	RtlInitUnicodeString(&path, name);
	InitializeObjectAttributes(&a, &path, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE,
				   NULL, NULL);
	return ZwCreateFile(h, (is_new ? FILE_APPEND_DATA : GENERIC_READ) | SYNCHRONIZE,
			    &a, &io, NULL, FILE_ATTRIBUTE_NORMAL,
			    FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
			    is_new ? FILE_OPEN_IF : FILE_OPEN,
			    FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE, NULL,
			    0);
}

/* The whole of in.bin; without it the handle has nothing to hand out. */
static void load(struct handle *f)
{
	FILE_STANDARD_INFORMATION info;
	IO_STATUS_BLOCK io;
	LARGE_INTEGER start = { .QuadPart = 0 };
	HANDLE h;

	if (!NT_SUCCESS(open_file(L"\\??\\C:\\weir-driver\\in.bin", FALSE, &h)))
		return;
	if (NT_SUCCESS(ZwQueryInformationFile(h, &io, &info, sizeof info,
					      FileStandardInformation)) &&
	    info.EndOfFile.QuadPart >= 8) {
		f->file_bytes = (SIZE_T)info.EndOfFile.QuadPart;
		f->file = ExAllocatePoolWithTag(NonPagedPool, f->file_bytes, POOL_TAG);
		if (f->file &&
		    !NT_SUCCESS(ZwReadFile(h, NULL, NULL, NULL, &io, f->file,
					   (ULONG)f->file_bytes, &start, NULL))) {
			ExFreePoolWithTag(f->file, POOL_TAG);
			f->file = NULL;
		}
	}
	ZwClose(h);
	if (f->file) {
		RtlCopyMemory(&f->window, f->file, 4);
		f->has_window = f->window != 0;
		f->at = 8;
	}
}

static NTSTATUS on_create(DEVICE_OBJECT *device, IRP *irp)
{
	FILE_OBJECT *o = IoGetCurrentIrpStackLocation(irp)->FileObject;
	struct handle *f = ExAllocatePoolWithTag(NonPagedPool, sizeof *f, POOL_TAG);

	(void)device;
	if (!f)
		return finish(irp, STATUS_NO_MEMORY, 0);
	RtlZeroMemory(f, sizeof *f);
	InitializeListHead(&f->waiting);
	f->params[0] = 4096;
	f->params[1] = 2000;
	f->params[2] = 4194304;
	o->FsContext = f;
	return finish(irp, STATUS_SUCCESS, 0);
}

static IRP *next_waiting(struct handle *f)
{
	return IsListEmpty(&f->waiting) ? NULL
					: CONTAINING_RECORD(RemoveHeadList(&f->waiting),
							    IRP, Tail.Overlay.ListEntry);
}

static NTSTATUS on_cleanup(DEVICE_OBJECT *device, IRP *irp)
{
	struct handle *f = IoGetCurrentIrpStackLocation(irp)->FileObject->FsContext;
	IRP *waiting;

	(void)device;
	while ((waiting = next_waiting(f)))
		finish(waiting, STATUS_CANCELLED, 0);
	return finish(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS on_close(DEVICE_OBJECT *device, IRP *irp)
{
	struct handle *f = IoGetCurrentIrpStackLocation(irp)->FileObject->FsContext;

	(void)device;
	if (f->out)
		ZwClose(f->out);
	if (f->file)
		ExFreePoolWithTag(f->file, POOL_TAG);
	ExFreePoolWithTag(f, POOL_TAG);
	return finish(irp, STATUS_SUCCESS, 0);
}

/* The buffer that goes with a request; NULL where it has none. */
static void *buffer_of(IRP *irp, SIZE_T *bytes)
{
	*bytes = IoGetCurrentIrpStackLocation(irp)
			 ->Parameters.DeviceIoControl.OutputBufferLength;
	return irp->MdlAddress
		       ? MmGetSystemAddressForMdlSafe(irp->MdlAddress, NormalPagePriority)
		       : NULL;
}

static NTSTATUS initialize(struct handle *f, const union request *r, IRP *irp)
{
	SIZE_T bytes;
	struct version *v = buffer_of(irp, &bytes);
	UINT64 flags = r->initialize.flags;

	if (!v || bytes < sizeof *v || v->magic != MAGIC_DLL || v->major != 2)
		return finish(irp, STATUS_INVALID_PARAMETER, 0);
	if (f->is_initialized || r->initialize.layer > 4 ||
	    r->initialize.priority > 2 * PRIORITY_MAX || flags & ~(UINT64)FLAGS_ALL ||
	    (flags & FLAG_SNIFF && flags & FLAG_DROP) ||
	    (flags & FLAG_RECV_ONLY && flags & FLAG_SEND_ONLY))
		return finish(irp, STATUS_INVALID_PARAMETER, 0);
	f->layer = r->initialize.layer;
	f->flags = flags;
	f->is_initialized = TRUE;
	RtlZeroMemory(v, sizeof *v);
	v->magic = MAGIC_SYS;
	v->major = 2;
	v->minor = 2;
	v->bits = 64;
	return finish(irp, STATUS_SUCCESS, sizeof *v);
}

static NTSTATUS start(struct handle *f, IRP *irp)
{
	SIZE_T bytes;
	void *program = buffer_of(irp, &bytes);

	if (!f->is_initialized || f->is_started || !program || !bytes ||
	    bytes % TEST_BYTES || bytes / TEST_BYTES > TESTS_MAX)
		return finish(irp, STATUS_INVALID_PARAMETER, 0);
	f->is_started = TRUE;
	if (f->layer <= 1 && !(f->flags & FLAG_SEND_ONLY))
		load(f);
	if (!(f->flags & FLAG_RECV_ONLY))
		(void)open_file(L"\\??\\C:\\weir-driver\\out.bin", TRUE, &f->out);
	return finish(irp, STATUS_SUCCESS, 0);
}

/* The next packet that may come, or NULL. */
static const UINT8 *peek(struct handle *f, struct packet_head *head)
{
	if (!f->file || (f->has_window && !f->window) ||
	    f->file_bytes - f->at < sizeof *head)
		return NULL;
	RtlCopyMemory(head, f->file + f->at, sizeof *head);
	if (f->file_bytes - f->at - sizeof *head < head->length)
		return NULL;
	return f->file + f->at + sizeof *head;
}

static void take(struct handle *f, const struct packet_head *head)
{
	f->at += sizeof *head + head->length;
	f->window -= f->has_window;
}

static void make_address(const struct handle *f, const struct packet_head *head,
			 struct address *a)
{
	LARGE_INTEGER now = KeQueryPerformanceCounter(NULL);

	RtlZeroMemory(a, sizeof *a);
	a->timestamp = now.QuadPart;
	a->word = f->layer | (head->word & 0xff0000) |
		  (f->flags & FLAG_SNIFF ? WORD_SNIFFED : 0);
	a->if_idx = head->if_idx;
	a->sub_if_idx = head->sub_if_idx;
}

/* Packs packets into the request, one behind the other, while they fit and have addresses. */
static NTSTATUS hand_out(struct handle *f, IRP *irp)
{
	const union request *r = irp->AssociatedIrp.SystemBuffer;
	HANDLE pid = irp->Tail.Overlay.DriverContext[0];
	UINT32 room = ADDRESS_BYTES, count = 0;
	SIZE_T bytes, used = 0;
	UINT8 *buffer = buffer_of(irp, &bytes);
	NTSTATUS status = STATUS_SUCCESS;
	struct packet_head head;
	const UINT8 *packet;

	if (r->move.address_bytes &&
	    !memory_read(pid, r->move.address_bytes, &room, sizeof room))
		return finish(irp, STATUS_INVALID_PARAMETER, 0);
	if (!r->move.address)
		room = ADDRESS_BYTES;
	if (room < ADDRESS_BYTES || room % ADDRESS_BYTES ||
	    room > BATCH_MAX * ADDRESS_BYTES)
		return finish(irp, STATUS_INVALID_PARAMETER, 0);
	while (count < room / ADDRESS_BYTES && (packet = peek(f, &head))) {
		SIZE_T n = head.length;

		if (n > bytes - used && count)
			break;
		if (n > bytes - used) {
			n = bytes - used;
			status = STATUS_BUFFER_TOO_SMALL;
		}
		make_address(f, &head, &f->addresses[count]);
		if (n)
			RtlCopyMemory(buffer + used, packet, n);
		used += n;
		count++;
		take(f, &head);
	}
	room = count * ADDRESS_BYTES;
	if (r->move.address && room)
		(void)memory_write(pid, r->move.address, f->addresses, room);
	if (r->move.address_bytes)
		(void)memory_write(pid, r->move.address_bytes, &room, sizeof room);
	return finish(irp, status, used);
}

static void serve(struct handle *f)
{
	struct packet_head head;
	IRP *irp;

	while (peek(f, &head) && (irp = next_waiting(f)))
		(void)hand_out(f, irp);
	/* STATUS_PIPE_EMPTY is what becomes ERROR_NO_DATA. */
	if (f->shut & SHUT_RECV && !peek(f, &head))
		while ((irp = next_waiting(f)))
			finish(irp, STATUS_PIPE_EMPTY, 0);
}

static NTSTATUS receive(struct handle *f, IRP *irp)
{
	if (!f->is_started || f->flags & FLAG_SEND_ONLY)
		return finish(irp, STATUS_INVALID_PARAMETER, 0);
	irp->Tail.Overlay.DriverContext[0] = PsGetCurrentProcessId();
	IoMarkIrpPending(irp);
	InsertTailList(&f->waiting, &irp->Tail.Overlay.ListEntry);
	serve(f);
	return STATUS_PENDING;
}

/* By the lengths that the packets state. */
static SIZE_T length_of(const UINT8 *p, SIZE_T bytes)
{
	SIZE_T n = 0;

	if (bytes >= 20 && p[0] >> 4 == 4)
		n = (SIZE_T)p[2] << 8 | p[3];
	else if (bytes >= 40 && p[0] >> 4 == 6)
		n = 40 + ((SIZE_T)p[4] << 8 | p[5]);
	return n <= bytes ? n : 0;
}

static void write_out(struct handle *f, const void *bytes, SIZE_T length)
{
	LARGE_INTEGER end = { .LowPart = FILE_WRITE_TO_END_OF_FILE, .HighPart = -1 };
	IO_STATUS_BLOCK io;

	if (f->out)
		(void)ZwWriteFile(f->out, NULL, NULL, NULL, &io, (void *)bytes,
				  (ULONG)length, &end, NULL);
}

/* The time to live of an impostor goes down by one, and may not reach 0. */
static BOOLEAN is_spent(const struct address *a, const UINT8 *packet)
{
	return a->word & WORD_IMPOSTOR && packet[packet[0] >> 4 == 6 ? 7 : 8] <= 1;
}

/* Each packet with its address, as out.bin has them.  One that is refused is passed over, and where
 * there is no packet the call ends: what was in front of it is sent. */
static NTSTATUS put_sent(struct handle *f, const UINT8 *buffer, SIZE_T bytes,
			 UINT32 count, SIZE_T *used)
{
	UINT8 *all = ExAllocatePoolWithTag(
		NonPagedPool, bytes + count * (ADDRESS_BYTES + sizeof count), POOL_TAG);
	NTSTATUS status = STATUS_SUCCESS;
	SIZE_T at = 0;

	*used = 0;
	if (!all)
		return STATUS_INSUFFICIENT_RESOURCES;
	for (UINT32 i = 0; i < count; i++) {
		const UINT8 *packet = buffer + *used;
		UINT32 n = (UINT32)length_of(packet, bytes - *used);

		if (!n) {
			status = STATUS_INVALID_PARAMETER;
			break;
		}
		*used += n;
		if (is_spent(&f->addresses[i], packet)) {
			/* ERROR_HOST_UNREACHABLE, which Windows makes of STATUS_HOPLIMIT_EXCEEDED, too;
			 * wine makes nothing of that. */
			status = STATUS_HOST_UNREACHABLE;
			continue;
		}
		RtlCopyMemory(all + at, &f->addresses[i], ADDRESS_BYTES);
		RtlCopyMemory(all + at + ADDRESS_BYTES, &n, sizeof n);
		RtlCopyMemory(all + at + ADDRESS_BYTES + sizeof n, packet, n);
		at += ADDRESS_BYTES + sizeof n + n;
	}
	write_out(f, all, at);
	ExFreePoolWithTag(all, POOL_TAG);
	return status;
}

static NTSTATUS send(struct handle *f, const union request *r, IRP *irp)
{
	UINT64 count = r->move.address_bytes / ADDRESS_BYTES;
	SIZE_T bytes, used;
	const UINT8 *buffer = buffer_of(irp, &bytes);
	NTSTATUS status;

	if (!f->is_started || f->flags & FLAG_RECV_ONLY || !buffer || !count ||
	    r->move.address_bytes % ADDRESS_BYTES || count > BATCH_MAX)
		return finish(irp, STATUS_INVALID_PARAMETER, 0);
	if (f->shut & SHUT_SEND)
		return finish(irp, STATUS_PIPE_EMPTY, 0);
	if (!memory_read(PsGetCurrentProcessId(), r->move.address, f->addresses,
			 r->move.address_bytes))
		return finish(irp, STATUS_INVALID_PARAMETER, 0);
	status = put_sent(f, buffer, bytes, (UINT32)count, &used);
	if (f->has_window)
		f->window += (UINT32)count;
	finish(irp, status, used);
	serve(f);
	return status;
}

static NTSTATUS set_param(struct handle *f, const union request *r, IRP *irp)
{
	static const UINT64 least[] = { 32, 100, 65535 };
	static const UINT64 most[] = { 16384, 16000, 33554432 };
	UINT32 i = r->set.number;

	if (i > 2 || r->set.value < least[i] || r->set.value > most[i])
		return finish(irp, STATUS_INVALID_PARAMETER, 0);
	f->params[i] = r->set.value;
	return finish(irp, STATUS_SUCCESS, 0);
}

static NTSTATUS get_param(struct handle *f, const union request *r, IRP *irp)
{
	SIZE_T bytes;
	UINT64 *value = buffer_of(irp, &bytes);

	if (!value || bytes < sizeof *value || r->number > 4)
		return finish(irp, STATUS_INVALID_PARAMETER, 0);
	*value = r->number <= 2 ? f->params[r->number] : 2;
	return finish(irp, STATUS_SUCCESS, sizeof *value);
}

static NTSTATUS shut(struct handle *f, const union request *r, IRP *irp)
{
	if (!r->number || r->number > (SHUT_RECV | SHUT_SEND))
		return finish(irp, STATUS_INVALID_PARAMETER, 0);
	f->shut |= r->number;
	finish(irp, STATUS_SUCCESS, 0);
	serve(f);
	return STATUS_SUCCESS;
}

static NTSTATUS on_request(DEVICE_OBJECT *device, IRP *irp)
{
	IO_STACK_LOCATION *s = IoGetCurrentIrpStackLocation(irp);
	const union request *r = irp->AssociatedIrp.SystemBuffer;
	struct handle *f = s->FileObject->FsContext;

	(void)device;
	if (!r || s->Parameters.DeviceIoControl.InputBufferLength != sizeof *r)
		return finish(irp, STATUS_INVALID_PARAMETER, 0);
	switch (s->Parameters.DeviceIoControl.IoControlCode) {
	case IOCTL_INITIALIZE:
		return initialize(f, r, irp);
	case IOCTL_STARTUP:
		return start(f, irp);
	case IOCTL_RECV:
		return receive(f, irp);
	case IOCTL_SEND:
		return send(f, r, irp);
	case IOCTL_SET_PARAM:
		return set_param(f, r, irp);
	case IOCTL_GET_PARAM:
		return get_param(f, r, irp);
	case IOCTL_SHUTDOWN:
		return shut(f, r, irp);
	default:
		return finish(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
	}
}

static void on_unload(DRIVER_OBJECT *driver)
{
	UNICODE_STRING link;

	RtlInitUnicodeString(&link, L"\\??\\WinDivert");
	(void)IoDeleteSymbolicLink(&link);
	IoDeleteDevice(driver->DeviceObject);
}

NTSTATUS DriverEntry(DRIVER_OBJECT *driver, UNICODE_STRING *path)
{
	UNICODE_STRING name, link;
	DEVICE_OBJECT *device;
	NTSTATUS status;

	(void)path;
	_Static_assert(sizeof(union request) == 16 && sizeof(struct version) == 64 &&
			       sizeof(struct address) == ADDRESS_BYTES,
		       "what the library passes");
	RtlInitUnicodeString(&name, L"\\Device\\WinDivert");
	RtlInitUnicodeString(&link, L"\\??\\WinDivert");
	status = IoCreateDevice(driver, 0, &name, FILE_DEVICE_NETWORK, 0, FALSE, &device);
	if (!NT_SUCCESS(status))
		return status;
	status = IoCreateSymbolicLink(&link, &name);
	if (!NT_SUCCESS(status)) {
		IoDeleteDevice(device);
		return status;
	}
	device->Flags |= DO_DIRECT_IO;
	device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
	driver->MajorFunction[IRP_MJ_CREATE] = on_create;
	driver->MajorFunction[IRP_MJ_CLEANUP] = on_cleanup;
	driver->MajorFunction[IRP_MJ_CLOSE] = on_close;
	driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = on_request;
	driver->DriverUnload = on_unload;
	return STATUS_SUCCESS;
}
