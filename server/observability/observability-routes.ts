import type { Route } from '../router.js';
import type { MetricsSettings } from '../service-settings.js';
import { createHealthRoute } from './health-route.js';
import { createMetricsRoute } from './metrics-route.js';
import type { ObservedService } from './observed-service.js';
import { createReadyRoute } from './ready-route.js';
import { createStatsRoute } from './stats-route.js';

/** What operators and their programs ask a service. */
export function createObservabilityRoutes(
  service: ObservedService,
  { isEnabled, path }: MetricsSettings,
): readonly Route[] {
  return [
    createHealthRoute(service),
    createReadyRoute(service),
    createStatsRoute(service),
    ...(isEnabled ? [createMetricsRoute(path, service)] : []),
  ];
}
