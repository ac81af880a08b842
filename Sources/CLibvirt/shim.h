// Makes libvirt's C interface, with its QEMU part, visible to the target Libvirt and to nobody else.
#pragma once

#include <stddef.h>

#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

// VIR_DOMAIN_EVENT_CALLBACK is a cast, which Swift cannot see: one typed function for each kind of
// event that we listen to.

static inline int clibvirt_register_lifecycle(virConnectPtr connection,
                                              virConnectDomainEventCallback callback, void *opaque,
                                              virFreeCallback release) {
  return virConnectDomainEventRegisterAny(connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                          VIR_DOMAIN_EVENT_CALLBACK(callback), opaque, release);
}

static inline int clibvirt_register_io_error(virConnectPtr connection,
                                             virConnectDomainEventIOErrorCallback callback,
                                             void *opaque, virFreeCallback release) {
  return virConnectDomainEventRegisterAny(connection, NULL, VIR_DOMAIN_EVENT_ID_IO_ERROR,
                                          VIR_DOMAIN_EVENT_CALLBACK(callback), opaque, release);
}
