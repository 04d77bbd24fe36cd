// The daemon's wire types under short names. All come from the generated schema; none is written by hand.
import type { components } from './schema';

export type Schemas = components['schemas'];
export type Vm = Schemas['Vm'];
export type VmCreate = Schemas['VmCreate'];
export type VmPatch = Schemas['VmPatch'];
export type Disk = Schemas['Disk'];
export type Host = Schemas['Host'];
export type Image = Schemas['Image'];
export type Network = Schemas['Network'];
export type NetworkCreate = Schemas['NetworkCreate'];
export type NetworkPatch = Schemas['NetworkPatch'];
export type NetworkVlan = Schemas['NetworkVlan'];
export type Bridge = Schemas['Bridge'];
export type Updates = Schemas['Updates'];
export type Slot = Schemas['Slot'];
export type Transfer = Schemas['Transfer'];
export type LastUpdate = Schemas['LastUpdate'];
export type Feed = Schemas['Feed'];
export type Offer = Schemas['Offer'];
export type MetricsSeries = Schemas['MetricsSeries'];
export type MetricsSample = Schemas['MetricsSample'];
export type MetricsValues = Schemas['MetricsValues'];
export type Session = Schemas['Session'];
export type User = Schemas['User'];
export type Token = Schemas['Token'];
export type Role = Schemas['Role'];
export type LiveEvent = Schemas['Event'];
