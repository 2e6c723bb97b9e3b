Feature: A servicer whose node stands still is behind
  A node that stopped following its chain still answers questions about the blocks that it has. The fisherman asks all
  servicers for their newest height at once, and measures how far each is behind the others.

  Scenario Outline: One of four nodes stands still from the start of the network
    Given a LocalNet of its own that is asked by <form> with 3 honest servicers and 1 behind
    When the fisherman has sampled 2 whole sessions
    Then each behind servicer has the verdict "behind"
    And each behind servicer claims the same height in every check that asks for it
    And each behind servicer lags by more than 5 blocks in every check that asks for it
    And each honest servicer has the verdict "healthy"
    And each honest servicer lags by at most 5 blocks in every check that asks for it

    Examples:
      | form     |
      | JSON-RPC |
      | REST     |
