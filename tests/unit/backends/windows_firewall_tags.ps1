# Runs two scripts that differ in the addresses of a service tag against a machine of hashtables. Writes one line for each
# check.
param ([string] $First, [string] $Second)
Import-Module (Join-Path $PSScriptRoot 'windows_firewall_machine.psm1') -Force
Set-StrictMode -Version Latest
$old = Get-Block -Path $First
$new = Get-Block -Path $Second
function Get-Own { param ([string] $Direction) (Get-Machine).Stores['PersistentStore'].Values | Where-Object { $_.Direction -eq $Direction } }
function Get-Remote { (Get-Own 'Outbound').RemoteAddress -join ' ' }
function Get-Call { @(Get-Change | ForEach-Object { ($_ -split ' ')[0] -replace '-.*$', '' }) -join ' '; Reset-Fault }

Test-Equal -What 'nothing there' -Is (Find $old 'Verify') -Should 'smb-in: Missing; tag-out: Missing'
Test-Equal -What 'Apply' -Is (Find $old 'Apply') -Should 'smb-in: Created; tag-out: Created'
Test-Equal -What 'Verify reads masks as prefixes' -Is (Find $old 'Verify') -Should ''
Reset-Fault
Test-Equal -What 'a second Apply' -Is "$(Find $old 'Apply')$(Get-Call)" -Should ''

Test-Equal -What 'Verify of new tags' -Is (Find $new 'Verify') -Should 'tag-out: Changed: RemoteAddress'
Test-Equal -What 'WhatIf changes nothing' -Is "$(Find $new 'Apply' @{ WhatIf = $true })$(Get-Call)$(Get-Remote)" -Should '203.0.113.0/255.255.255.128'
Test-Equal -What 'Apply sets them' -Is (Find $new 'Apply') -Should 'tag-out: Updated'
Test-Equal -What 'and makes and removes no rule' -Is (Get-Call) -Should 'Set'
Test-Equal -What 'they are the new ones' -Is (Get-Remote) -Should '198.51.100.64/255.255.255.192 203.0.113.0/255.255.255.0'
Test-Equal -What 'Verify is content' -Is (Find $new 'Verify') -Should ''

# So is what somebody edits by hand.
Reset-Fault
(Get-Own 'Outbound').RemotePort = @('444')
Test-Equal -What 'another port' -Is (Find $new 'Apply') -Should 'tag-out: Restored'
Test-Equal -What 'is set in place, too' -Is (Get-Call) -Should 'Set'
Test-Equal -What 'Remove' -Is (Find $new 'Remove') -Should 'smb-in: Removed; tag-out: Removed'
Test-Equal -What 'leaves nothing' -Is (Get-Machine).Stores['PersistentStore'].Count -Should 0
'done'
