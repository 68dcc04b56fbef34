import type { Secret } from '@ckm/foundation';
import {
  addDevice,
  type AddDeviceArgs,
  type AddedDevice,
  closeOffer,
  type DevicePlan,
  planDevice,
} from '../devices/add-device.js';
import {
  type ChangedDevice,
  type DeviceChangePlan,
  planDeviceRemoval,
  planDeviceRename,
  removeDevice,
  type RemoveDeviceArgs,
  renameDevice,
  type RenameDeviceArgs,
} from '../devices/change-device.js';
import {
  admitFirstDevice,
  draftFirstDevice,
  type FirstDevicePlan,
  planFirstDevice,
} from '../devices/first-device.js';
import { type Devices, listDevices, rememberDevices, seeDevices } from '../devices/list-devices.js';
import type { ChangedAt } from '../devices/lists/change-lists.js';
import { takeWelcome } from '../devices/take-welcome.js';
import type { Welcome } from '../devices/welcome.js';
import type { ClientRoom } from './client-room.js';

/** Devices of an owner: who may speak for him. */
export interface DeviceCalls {
  /** Which devices every server knows, and what it has not heard yet. */
  listDevices(): Promise<Devices>;
  /** Says that a person has seen what {@link DeviceCalls.listDevices} gave: a new device is counted on from then. */
  seeDevices(seen: Pick<Devices, 'lists'>): Promise<void>;
  /** Puts on record which devices every server knows that answers. */
  rememberDevices(): Promise<void>;
  /** Checks that {@link DeviceCalls.admitFirstDevice} would do. Servers are asked. @param device one that was begun; null: none was */
  planFirstDevice(name: string, device: Secret<Uint8Array> | null): Promise<FirstDevicePlan>;
  /** The device that is to take the place of the words here. Nothing is sent or written. The caller wipes it. */
  draftFirstDevice(before: Secret<Uint8Array> | null): Promise<Secret<Uint8Array>>;
  /** Has every server let that device in, which may do everything but what the words alone may. The device stays the caller's. */
  admitFirstDevice(device: Secret<Uint8Array>, name: string): Promise<readonly ChangedAt[]>;
  /** Checks that {@link DeviceCalls.addDevice} would do. Servers are asked. */
  planDevice(args: AddDeviceArgs): Promise<DevicePlan>;
  /** Lets a device in whose offer was compared, or goes on with that. */
  addDevice(args: AddDeviceArgs): Promise<AddedDevice>;
  /** Its welcome is handed over: that offer is not taken again. */
  closeOffer(offer: string): Promise<void>;
  /** Puts on record what a welcome says of servers and keys. */
  takeWelcome(welcome: Welcome): Promise<void>;
  planDeviceRemoval(args: RemoveDeviceArgs): Promise<DeviceChangePlan>;
  /** Has every server answer a device no more; those that do not answer are told when they do. */
  removeDevice(args: RemoveDeviceArgs): Promise<ChangedDevice>;
  planDeviceRename(args: RenameDeviceArgs): Promise<DeviceChangePlan>;
  renameDevice(args: RenameDeviceArgs): Promise<ChangedDevice>;
}

export function createDeviceCalls({ context, signer, acting }: ClientRoom): DeviceCalls {
  return {
    listDevices: () => listDevices(context),
    seeDevices: ({ lists }) => acting(seeDevices(context, lists)),
    rememberDevices: () => rememberDevices(context),
    planFirstDevice: (name, device) => planFirstDevice(context, name, device),
    draftFirstDevice: (before) => draftFirstDevice(context, before),
    admitFirstDevice: (device, name) => admitFirstDevice(context, device, name),
    planDevice: (args) => planDevice(context, args),
    addDevice: (args) => addDevice(context, args),
    closeOffer: (offer) => closeOffer(context, offer),
    takeWelcome: async (welcome) => {
      await takeWelcome(context, welcome);
      signer.forgetServers();
    },
    planDeviceRemoval: (args) => planDeviceRemoval(context, args),
    removeDevice: (args) => removeDevice(context, args),
    planDeviceRename: (args) => planDeviceRename(context, args),
    renameDevice: (args) => renameDevice(context, args),
  };
}
