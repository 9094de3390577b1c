# Runs two scripts that differ in the addresses of a service tag against a firewall of hashtables, which gives rules
# back as Windows does. Writes one line for each check.
param ([string] $First, [string] $Second)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$global:rules = [ordered] @{}
$global:calls = @()
$global:broken = ''

function Add-Call { param ([string] $Command, [string] $Name) if ($global:broken -eq $Command) { throw "$Command is broken" }; $global:calls += "$Command $Name" }
function New-NetFirewallRule {
    [CmdletBinding()] param (
        [string] $Name, [string] $DisplayName, [string] $Description, [string] $Group, [string] $Direction, [string] $Action, [string] $Protocol,
        [string[]] $LocalPort, [string[]] $RemotePort, [string[]] $LocalAddress, [string[]] $RemoteAddress, [string] $Profile, [string] $Enabled, [string] $PolicyStore)
    Add-Call -Command 'New' -Name $Name
    $made = @{}
    foreach ($key in $PSBoundParameters.Keys) { $made[$key] = $PSBoundParameters[$key] }
    $made['InstanceID'] = $Name
    $global:rules[$Name] = [pscustomobject] $made
}
function Get-NetFirewallRule { [CmdletBinding()] param ([string] $PolicyStore) $global:rules.Values }
function Set-NetFirewallRule {
    [CmdletBinding()] param ([string] $PolicyStore, [string] $Name, [string[]] $RemoteAddress)
    Add-Call -Command 'Set' -Name $Name
    $global:rules[$Name].RemoteAddress = $RemoteAddress
}
function Remove-NetFirewallRule {
    [CmdletBinding()] param ($InputObject, [string] $Name, [string] $PolicyStore)
    if ($null -ne $InputObject) { $Name = $InputObject.Name }
    Add-Call -Command 'Remove' -Name $Name
    $global:rules.Remove($Name)
}
function Enable-NetFirewallRule {
    [CmdletBinding()] param ($InputObject)
    Add-Call -Command 'Enable' -Name $InputObject.Name
    $InputObject.Enabled = 'True'
}
# Windows gives prefixes of IPv4 back with a mask.
function ConvertTo-Shown {
    param ([string[]] $Address)
    foreach ($item in $Address) {
        $pair = $item -split '/'
        if ($pair.Count -lt 2 -or $item.Contains(':') -or $pair[1].Contains('.')) { $item; continue }
        $mask = for ($i = 0; $i -lt 4; $i++) { 256 - [math]::Pow(2, 8 - [math]::Max(0, [math]::Min(8, [int] $pair[1] - 8 * $i))) }
        '{0}/{1}' -f $pair[0], ($mask -join '.')
    }
}
function Get-NetFirewallAddressFilter {
    [CmdletBinding()] param ([string] $PolicyStore)
    foreach ($rule in $global:rules.Values) {
        [pscustomobject] @{
            InstanceID    = $rule.InstanceID
            LocalAddress  = @(ConvertTo-Shown -Address $rule.LocalAddress)
            RemoteAddress = @(ConvertTo-Shown -Address $rule.RemoteAddress)
        }
    }
}
function Get-NetFirewallPortFilter {
    [CmdletBinding()] param ([string] $PolicyStore)
    foreach ($rule in $global:rules.Values) {
        $ports = @{ InstanceID = $rule.InstanceID; Protocol = $rule.Protocol; LocalPort = 'Any'; RemotePort = 'Any'; IcmpType = 'Any' }
        foreach ($name in @('LocalPort', 'RemotePort')) { if ($null -ne $rule.PSObject.Properties[$name]) { $ports[$name] = $rule.$name } }
        [pscustomobject] $ports
    }
}
function Get-NetFirewallApplicationFilter { [CmdletBinding()] param ([string] $PolicyStore) foreach ($rule in $global:rules.Values) { [pscustomobject] @{ InstanceID = $rule.InstanceID; Program = 'Any' } } }
function Get-NetFirewallServiceFilter { [CmdletBinding()] param ([string] $PolicyStore) foreach ($rule in $global:rules.Values) { [pscustomobject] @{ InstanceID = $rule.InstanceID; Service = 'Any' } } }
function Get-NetFirewallInterfaceTypeFilter { [CmdletBinding()] param ([string] $PolicyStore) foreach ($rule in $global:rules.Values) { [pscustomobject] @{ InstanceID = $rule.InstanceID; InterfaceType = 'Any' } } }
function Get-NetFirewallProfile { [CmdletBinding()] param ([string] $PolicyStore) }
function Test-Path { param ([string] $LiteralPath) $false } # no backup of proxy settings

function Get-Block { param ([string] $Path) [scriptblock]::Create(((Get-Content -LiteralPath $Path -Raw) -replace '(?m)^#Requires.*$', '')) }
$old = Get-Block -Path $First
$new = Get-Block -Path $Second
function Find {
    param ([scriptblock] $Block, [string] $Mode, [hashtable] $More = @{})
    $global:calls = @()
    @(& $Block -Mode $Mode -Force @More 3>$null 6>$null | ForEach-Object { '{0}: {1}' -f ($_.Name -replace '^.*-main-x\.', '' -replace '-[0-9a-f]{8}$', ''), $_.Finding } | Sort-Object) -join '; '
}
function Test-Equal {
    param ([string] $What, $Is, $Should)
    if ("$Is" -ceq "$Should") { "ok $What" } else { "not ok $What`n--- is`n$Is`n--- should be`n$Should" }
}
function Get-Remote { ($global:rules.Values | Where-Object { $_.Direction -eq 'Outbound' }).RemoteAddress -join ' ' }
function Get-Call { @($global:calls | ForEach-Object { ($_ -split ' ')[0] }) -join ' ' }

Test-Equal -What 'nothing there' -Is (Find $old 'Verify') -Should 'smb-in: Missing; tag-out: Missing'
Test-Equal -What 'Apply' -Is (Find $old 'Apply') -Should 'smb-in: Created; tag-out: Created'
Test-Equal -What 'Verify reads masks as prefixes' -Is (Find $old 'Verify') -Should ''
Test-Equal -What 'a second Apply' -Is "$(Find $old 'Apply')$(Get-Call)" -Should ''

Test-Equal -What 'Verify of new tags' -Is (Find $new 'Verify') -Should 'tag-out: Changed: RemoteAddress'
Test-Equal -What 'WhatIf changes nothing' -Is "$(Find $new 'Apply' @{ WhatIf = $true })$(Get-Call)$(Get-Remote)" -Should '203.0.113.0/25'
Test-Equal -What 'Apply sets them' -Is (Find $new 'Apply') -Should 'tag-out: Updated'
Test-Equal -What 'and makes and removes no rule' -Is (Get-Call) -Should 'Set'
Test-Equal -What 'they are the new ones' -Is (Get-Remote) -Should '198.51.100.64/26 203.0.113.0/24'
Test-Equal -What 'Verify is content' -Is (Find $new 'Verify') -Should ''

# A failure after them puts them back.
($global:rules.Values | Where-Object { $_.Direction -eq 'Inbound' }).Enabled = 'False'
$global:broken = 'Enable'
Test-Equal -What 'a failure is one' -Is $(try { Find $old 'Apply' } catch { "$_" }) -Should 'Enable is broken'
Test-Equal -What 'the addresses are back' -Is (Get-Remote) -Should '198.51.100.64/255.255.255.192 203.0.113.0/255.255.255.0'
$global:broken = ''
Test-Equal -What 'and the same to Verify' -Is (Find $new 'Verify') -Should 'smb-in: Disabled'
Test-Equal -What 'which Apply enables' -Is (Find $new 'Apply') -Should 'smb-in: Enabled'

# What somebody edits by hand otherwise is still made anew.
($global:rules.Values | Where-Object { $_.Direction -eq 'Outbound' }).RemotePort = @('444')
Test-Equal -What 'another port' -Is (Find $new 'Apply') -Should 'tag-out: Restored'
Test-Equal -What 'is made anew' -Is (Get-Call) -Should 'Remove New'
Test-Equal -What 'Remove' -Is (Find $new 'Remove') -Should 'smb-in: Removed; tag-out: Removed'
Test-Equal -What 'leaves nothing' -Is $global:rules.Count -Should 0
'done'
