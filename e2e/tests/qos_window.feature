Feature: Quality of service over many sessions
  A verdict over ten checks is coarse. An operator asks for the newest sessions together, and can recompute what comes
  out from the sessions themselves.

  Background:
    Given a LocalNet with 3 honest, 1 slow, 1 down and 1 lying servicers

  Scenario: The newest sessions are merged
    When the fisherman has sampled 2 whole sessions
    And the operator asks for a window of 2 sessions
    Then the window merges 2 complete sessions of one relay chain
    And its counts are the sums of those of its sessions
    And its quantiles are of answers on kept connections alone
    And in the window each honest servicer has the verdict "healthy" and shares the first rank
    And in the window each slow servicer has the verdict "slow" and shares the first rank
    And in the window each down servicer has the verdict "unavailable" and a later rank
    And in the window each lying servicer has the verdict "inconsistent" and a later rank

  Scenario: A servicer's operator asks for the last hour
    When the fisherman has sampled 2 whole sessions
    And the operator of the slow servicer asks for a window of the last hour
    Then the window shows that servicer alone, with the rank it has among all
