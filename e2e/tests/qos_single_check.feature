Feature: E2E Single QoS Check
  A Fisherman makes periodic relays to all Servicers during an active session, tracks the QoS of each request, and
  maintains the results in a local ephemeral state.

  Background:
    Given a LocalNet with 3 honest, 1 slow, 1 down and 1 lying servicers
    And the fisherman has sampled a session from its first block to its last

  Scenario: A fisherman makes a successful request to a servicer that is available
    Then each honest servicer answered every check
    And each honest servicer has the availability 1
    And each honest servicer agrees with the majority in every check of a settled block
    And each honest servicer is not behind
    And each honest servicer has the verdict "healthy"

  Scenario: A fisherman makes a successful request to a servicer that has low latency
    Then each honest servicer answered every check
    And each honest servicer has a median round-trip time within the SLA
    And each honest servicer has the verdict "healthy"

  Scenario: A fisherman makes successful request to a servicer that is unavailable
    Then each down servicer has a null sample for every check, each with its index
    And each down servicer has the availability 0
    And each down servicer has no round-trip time
    And each down servicer has the verdict "unavailable"

  Scenario: A fisherman makes successful request to a servicer that has high latency
    Then each slow servicer answered every check
    And each slow servicer has a median round-trip time from 400 to 460 ms
    And each slow servicer was over the SLA in every check
    And each slow servicer has the verdict "slow"

  Scenario: A servicer signs altered results
    Then each lying servicer answered every check
    And each lying servicer disagrees with the majority in every decidable check
    And each lying servicer has the verdict "inconsistent"
    And each honest servicer has the verdict "healthy"

  Scenario: Every planned check is accounted for
    Then done, dropped and void checks add up to the planned ones
    And the servicers are listed worst first, each with a reason
